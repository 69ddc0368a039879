import { describe, expect, test } from "@jest/globals";
import { freePorts, startCluster } from "@quorumfs/local-cluster";
import { systemRandom } from "@quorumfs/runtime";
import { Metrics } from "@quorumfs/telemetry";
import { askRaw } from "../support/ask.js";
import { consoleFor, nobody } from "../support/own-console.js";

const host = "127.0.0.1";

describe("metrics", () => {
  test("of the SuperNode, in Prometheus' format; targets of all that serve some", async () => {
    await using cluster = await startCluster({ nodes: 1, console: true });
    const url = cluster.consoleUrl ?? "";
    const { headers, text } = await askRaw(url, "/metrics");
    expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(text).toMatch(/^# HELP quorumfs_supernode_\w+ /m);
    for (const line of text.split("\n").filter((each) => each !== "" && !each.startsWith("#"))) {
      expect(line).toMatch(/^[a-z_]+(\{.*\})? [-+\dNIe.a-z]+$/i);
    }
    const targets = await askRaw(url, "/metrics/targets");
    expect(targets.headers["content-type"]).toBe("application/json; charset=utf-8");
    // DataNodes of a cluster in one process serve none.
    expect(targets.json).toEqual([{ targets: [new URL(url).host], labels: { process: "supernode" } }]);
    await cluster.kill("supernode");
    expect((await askRaw(url, "/metrics/targets")).status).toBe(503);
    expect((await askRaw(url, "/metrics")).status).toBe(200);
  });

  test("scraped without a pause from before the start until after the end: answered whole, or not at all", async () => {
    const port = await freePorts({ host, count: 1, random: systemRandom() });
    const metrics = new Metrics();
    metrics.counter({ name: "quorumfs_test_scrapes_total", help: "Nothing." }).of().add(1);
    const seen = { whole: 0, refused: 0 };
    let over = false;
    const scraping = (async () => {
      while (!over) {
        const answer = await askRaw(`http://${host}:${port}`, "/metrics").catch((error: unknown) => ({ error }));
        if ("error" in answer) {
          const expected: unknown = expect.stringMatching(/^(ECONNREFUSED|ECONNRESET|EPIPE)$/);
          expect(answer.error).toMatchObject({ code: expected });
          seen.refused += 1;
        } else {
          const expected: unknown = expect.stringMatching(/_total 1\n+$/);
          expect(answer).toMatchObject({ status: 200, text: expected });
          seen.whole += 1;
        }
      }
    })();
    let failed = false;
    scraping.catch(() => (failed = true));
    const until = async (condition: () => boolean): Promise<void> => {
      while (!condition() && !failed) await new Promise((resolve) => setImmediate(resolve));
    };
    await until(() => seen.refused > 0);
    const page = await consoleFor(nobody, { config: { port }, metrics: () => [metrics] });
    await until(() => seen.whole > 5);
    const before = seen.refused;
    await page.close();
    await until(() => seen.refused > before);
    over = true;
    await scraping;
  });
});
