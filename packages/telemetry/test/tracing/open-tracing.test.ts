import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "@jest/globals";
import { openTracing } from "../../src/index.js";

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A port on which a server listens that does with requests as it is told. */
async function listen(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const options = (endpoint: string) => ({
  environment: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint },
  serviceName: "test",
  version: "1",
});

describe("tracing", () => {
  test("off without a collector: spans are nothing, and cost nothing", async () => {
    const { tracer, close } = await openTracing({ environment: {}, serviceName: "test", version: "1" });
    expect(tracer.enabled).toBe(false);
    const span = tracer.start("nothing");
    expect(span.traceparent).toBe("");
    expect(span.child("still nothing")).toBe(span);
    span.end();
    await close();
  });

  test("spans that wait are sent when it is closed", async () => {
    const bodies: string[] = [];
    const endpoint = await listen(
      createServer((request, response) => {
        const parts: Buffer[] = [];
        request.on("data", (part: Buffer) => parts.push(part));
        request.on("end", () => {
          bodies.push(Buffer.concat(parts).toString());
          response.end("{}");
        });
      }),
    );
    const { tracer, close } = await openTracing(options(endpoint));
    const span = tracer.start("whole", { attributes: { "quorumfs.bucket": "files" } });
    span.child("part").end({ code: "unavailable", message: "nobody is there" });
    span.end();
    await close();
    const sent = bodies.join("\n");
    for (const text of ["whole", "part", "quorumfs.bucket", "nobody is there", "unavailable"])
      expect(sent).toContain(text);
  });

  test("a collector that takes requests and answers none does not hold up the end", async () => {
    const endpoint = await listen(createServer(() => undefined));
    const { tracer, close } = await openTracing(options(endpoint));
    tracer.start("lost").end();
    await close();
  });

  test("a collector that is not there harms nobody, however many spans there are", async () => {
    const { tracer, close } = await openTracing(options("http://127.0.0.1:1"));
    for (let index = 0; index < 10_000; index += 1) tracer.start("lost").end();
    await close();
    await close();
  });

  test("what its caller does not sample is not sampled here, and those whom it asks are told", async () => {
    const { tracer, close } = await openTracing(options("http://127.0.0.1:1"));
    const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    const span = tracer.start("unsampled", { parent });
    expect(span.traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-00$/);
    expect(span.child("part").traceparent).toBe(span.traceparent);
    span.end();
    await close();
  });
});
