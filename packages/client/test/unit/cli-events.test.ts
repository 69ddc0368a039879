import { describe, expect, it } from "@jest/globals";
import type { ClusterEvent } from "../../src/event-info.js";
import { CliBench } from "../fakes/cli.js";
import { MemoryCluster } from "../fakes/memory-cluster.js";

function eventOf(id: number, event: Partial<ClusterEvent> = {}): ClusterEvent {
  return {
    id,
    at: new Date(id * 1000),
    kind: "node.joined",
    severity: "info",
    node: undefined,
    message: `event ${id}`,
    fields: {},
    ...event,
  };
}

function clusterOf(count: number): MemoryCluster {
  const cluster = new MemoryCluster();
  cluster.happened.push(...Array.from({ length: count }, (_, index) => eventOf(index + 1)));
  return cluster;
}

const idsOf = (out: string): readonly number[] => [...out.matchAll(/event (\d+)/g)].map(([, id]) => Number(id));

describe("quorumfs events", () => {
  it("the newest 50, oldest first", async () => {
    const { code, out } = await new CliBench(clusterOf(60)).run(["events"]);
    expect(code).toBe(0);
    expect(idsOf(out)).toEqual(Array.from({ length: 50 }, (_, index) => index + 11));
    expect(out.split("\n")[0]).toBe("1970-01-01 00:00:11Z  info     node.joined                   event 11");
  });

  it("--limit beyond one page of the SDK", async () => {
    const { out } = await new CliBench(clusterOf(2500)).run(["events", "--limit", "2200"]);
    expect(idsOf(out)).toHaveLength(2200);
    expect(idsOf(out).at(0)).toBe(301);
  });

  it("--since a time, and all of them without a limit", async () => {
    const { out } = await new CliBench(clusterOf(200)).run(["events", "--since", "1970-01-01T00:01:40Z"]);
    expect(idsOf(out)).toEqual(Array.from({ length: 101 }, (_, index) => index + 100));
  });

  it("the filter goes to the SuperNode", async () => {
    const cluster = clusterOf(1);
    await new CliBench(cluster).run([
      "events",
      "-k",
      "node",
      "-k",
      "repair.completed",
      "--node",
      "3",
      "--severity",
      "warning",
    ]);
    expect(cluster.filters).toContainEqual(
      expect.objectContaining({ kinds: ["node", "repair.completed"], node: 3, severity: "warning" }),
    );
  });

  it("json: an array; jsonl: a line each", async () => {
    const bench = new CliBench(clusterOf(2));
    expect(JSON.parse((await bench.run(["events", "-o", "json"])).out)).toMatchObject([{ id: 1 }, { id: 2 }]);
    expect((await bench.run(["events", "-o", "jsonl"])).out.trim().split("\n")).toHaveLength(2);
  });

  it("none: said to people only", async () => {
    const bench = new CliBench(new MemoryCluster());
    expect(await bench.run(["events"])).toEqual({ code: 0, out: "", err: "quorumfs: no such events\n" });
    expect(await bench.run(["events", "-o", "json"])).toEqual({ code: 0, out: "[\n]\n".replace("\n]", "]"), err: "" });
  });

  it.each(["table", "json"])("--follow as %s: what there is, then what comes, until it is stopped", async (format) => {
    const cluster = clusterOf(2);
    cluster.coming.push(eventOf(3), eventOf(4));
    const stopping = new AbortController();
    const watch = cluster.watchEvents.bind(cluster);
    cluster.watchEvents = async function* (options) {
      for await (const event of watch(options)) {
        yield event;
        if (event.id === 4) stopping.abort();
      }
    };
    const { code, out, err } = await new CliBench(cluster).run(["events", "-f", "-o", format], {
      stopping: stopping.signal,
    });
    expect({ code, err }).toEqual({ code: 130, err: "" });
    expect(idsOf(out)).toEqual([1, 2, 3, 4]);
    if (format === "json")
      expect(
        out
          .trim()
          .split("\n")
          .map((line) => (JSON.parse(line) as ClusterEvent).id),
      ).toEqual([1, 2, 3, 4]);
  });

  it("names that would act upon a terminal are escaped, in every format", async () => {
    const evil = "\u001b[2J\u009b31m\u202e\nx";
    for (const format of ["table", "json", "jsonl"]) {
      const cluster = new MemoryCluster();
      cluster.happened.push(eventOf(1, { message: evil, kind: `a.${evil}` }));
      const { out } = await new CliBench(cluster).run(["events", "-o", format]);
      expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/u);
      if (format === "jsonl") expect(JSON.parse(out)).toMatchObject({ message: evil });
      if (format === "table") expect(out.trim().split("\n")).toHaveLength(1);
    }
  });

  it.each([
    [["--kind", "nodes"], /there are no events of kind "nodes"; there are .*node\.joined, suspected/],
    [["--node", "0"], /--node must be the id/],
    [["--limit", "0"], /--limit must be a whole number from 1 to 10000/],
    [["--since", "yesterday"], /is not a duration/],
    [["--since", "2026-99-99"], /is neither a duration/],
    [["--severity", "bad"], /severity/],
  ])("%j: refused", async (flags, message) => {
    const { code, err } = await new CliBench(new MemoryCluster()).run(["events", ...flags]);
    expect(code).toBe(2);
    expect(err).toMatch(message);
  });
});
