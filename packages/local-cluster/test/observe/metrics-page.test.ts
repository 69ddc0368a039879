import { once } from "node:events";
import { connect as connectSocket } from "node:net";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { connect } from "@quorumfs/client";
import { systemClock, systemRandom } from "@quorumfs/runtime";
import { freePorts } from "../../src/adapters/free-ports.js";
import { temporaryDirectory, type TemporaryDirectory } from "../../src/adapters/temporary-directory.js";
import { waitUntil } from "../../src/cluster/wait-until.js";
import { binary, buildOnce, buildTimeoutMs } from "../processes/built.js";
import { Program } from "../processes/program.js";

const host = "127.0.0.1";
let directory: TemporaryDirectory;

beforeAll(buildOnce, buildTimeoutMs);

beforeEach(async () => {
  directory = await temporaryDirectory("quorumfs-test-");
});

afterEach(() => directory.remove());

const ownDirectories = (name: string) => ["--data-dir", join(directory.path, name), "--log-dir", directory.path];

/** The page's status and text; undefined: nobody listens. */
async function page(port: number, path: "/metrics" | "/healthz") {
  try {
    const response = await fetch(`http://${host}:${port}${path}`);
    return { status: response.status, text: await response.text() };
  } catch {
    return undefined;
  }
}

const until = (what: string, condition: () => Promise<boolean>) =>
  waitUntil({ what, condition, timeoutMs: 30_000, clock: systemClock() });

describe("a DataNode's page of metrics", () => {
  test("from the start of the process to its end, whoever reads and whoever does not", async () => {
    const random = systemRandom();
    const first = await freePorts({ host, count: 2, random });
    const [superNodePort, port] = [first, first + 1];
    const metricsPort = await freePorts({ host, count: 1, random });
    const node = [
      ...["--supernode", `${host}:${superNodePort}`, "--port", String(port)],
      ...["--metrics-port", String(metricsPort), ...ownDirectories("datanode")],
    ];
    await using dataNode = new Program(binary("datanode"), node);

    // There is no SuperNode yet, so the node cannot join.
    await until("the page is there", async () => (await page(metricsPort, "/healthz")) !== undefined);
    expect(await page(metricsPort, "/healthz")).toEqual({ status: 503, text: '{"status":"starting"}' });
    expect((await page(metricsPort, "/metrics"))?.text).toContain('quorumfs_build_info{process="quorumfs-datanode"');

    const superNode = ["--port", String(superNodePort), "--replicas", "1", "--console-port", "off"];
    await using _superNode = new Program(binary("supernode"), [...superNode, ...ownDirectories("supernode")]);
    await dataNode.said("ready ");
    await until("it serves", async () => (await page(metricsPort, "/healthz"))?.status === 200);
    await using client = await connect({ endpoints: [`${host}:${superNodePort}`] });
    await until("the cluster serves files", async () => (await client.status()).ready);
    expect((await client.status()).nodes.map(({ metricsAddress }) => metricsAddress)).toEqual([
      `${host}:${metricsPort}`,
    ]);
    await client.put("files/a", "content");
    const text = (await page(metricsPort, "/metrics"))?.text;
    expect(text).toContain('quorumfs_datanode_operations_total{kind="put",bucket="files",outcome="answered"} 1\n');
    expect(text).toMatch(/^quorumfs_datanode_commit_seconds_count [1-9]/m);

    // One that never reads must not hold up the end, and scrapes during it get a page or nothing.
    const deaf = connectSocket(metricsPort, host);
    deaf.on("error", () => undefined).pause();
    deaf.write(`GET /metrics HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    await once(deaf, "connect");
    let closed = false;
    const scrapes = (async () => {
      const statuses = new Set<number | undefined>();
      while (!closed) statuses.add((await page(metricsPort, "/metrics"))?.status);
      return statuses;
    })();
    dataNode.signal("SIGTERM");
    expect(await dataNode.ended).toEqual({ code: 0, signal: null });
    closed = true;
    expect([...(await scrapes)].every((status) => status === 200 || status === undefined)).toBe(true);
    deaf.destroy();
  }, 60_000);

  test("a port that is taken: one that was asked for is an error, the usual one is not", async () => {
    const random = systemRandom();
    const port = await freePorts({ host, count: 1, random });
    const node = ["--supernode", `${host}:1`, ...ownDirectories("datanode")];
    await using holder = new Program(binary("datanode"), [...node, "--port", "0", "--metrics-port", String(port)]);
    await until("the port is taken", async () => (await page(port, "/healthz")) !== undefined);
    const other = ["--supernode", `${host}:1`, ...ownDirectories("other")];
    await using refused = new Program(binary("datanode"), [...other, "--port", "0", "--metrics-port", String(port)]);
    expect(await refused.ended).toEqual({ code: 5, signal: null });
    expect(refused.stderr).toContain(`port ${port} of ${host} is in use`);
    await using moved = new Program(binary("datanode"), [...other, "--port", String(port - 100)]);
    await moved.said("http.port-taken");
    await moved.said("metrics.serving");
    expect(holder.stderr).not.toContain("http.port-taken");
  }, 60_000);
});
