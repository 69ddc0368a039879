import { describe, expect, test } from "@jest/globals";
import { type Ballot, bucketId, type NodeId, nodeId, partitionOf, QuorumError, zeroBallot } from "@quorumfs/core";
import type { PullRecordsRequest, PullRecordsResponse } from "@quorumfs/proto";
import { type FileName, RecordWindows, type RecordWindowsOptions } from "../../src/handover/record-windows.js";
import { layout } from "../replica/fixture.js";
import { StepClock } from "../support/step-clock.js";

const files = bucketId(1);
const never = new AbortController().signal;
const ballot: Ballot = { counter: 1, node: 1, incarnation: 1 };
/** In byte order. */
const pathOf = (at: number) => `file-${String(at).padStart(6, "0")}`;
const partition = partitionOf(files, pathOf(0));

interface Node {
  /** Numbers of the files that it has, in order. */
  readonly has: readonly number[];
  readonly floor?: number;
  readonly fails?: boolean;
}

/** Node 1 asks; it and the nodes 2, 3, … have what is told. All files count as of one partition. */
class Subject {
  readonly asked: { node: number; after: string }[] = [];
  readonly windows: RecordWindows;
  readonly #nodes: readonly Node[];

  constructor(...nodes: readonly Node[]) {
    this.#nodes = nodes;
    const peers: unknown = {
      find: (node: NodeId) => ({
        bulk: { serverStream: (_method: unknown, request: PullRecordsRequest) => this.#serve(node, request) },
      }),
    };
    if (!isPeers(peers)) throw new Error("not peers");
    this.windows = new RecordWindows({
      self: nodeId(1),
      replica: { survey: (request) => this.#survey(request.after), floorsOf: async () => new Map([[partition, 0]]) },
      context: { layout: () => layout },
      peers,
      clock: new StepClock(),
    });
  }

  /** All windows until the last. */
  async readAll() {
    const found = new Map<string, NodeId[]>();
    let windows = 0;
    let after: FileName | undefined;
    for (;;) {
      const sources = this.#nodes.slice(1).map((_, index) => nodeId(index + 2));
      const window = await this.windows.read([{ partition, layout: 1, sources }], after, never);
      windows += 1;
      for (const { path, held } of window.files) {
        if (found.has(path)) throw new Error(`${path} was told twice`);
        found.set(path, [...held.keys()]);
      }
      after = window.reach;
      if (!after) return { found, windows, last: window };
    }
  }

  async *#survey(after: FileName | undefined) {
    const rest = (this.#nodes[0]?.has ?? []).map(pathOf).filter((path) => !after || path > after.path);
    const meta = {
      bucket: files,
      accepted: ballot,
      committed: zeroBallot,
      isTombstone: false,
      size: 1,
      modifiedAtMs: 0,
    };
    yield rest.map((path) => ({ kind: "record" as const, path, ...meta }));
  }

  async *#serve(node: number, { afterPath }: PullRecordsRequest): AsyncGenerator<PullRecordsResponse> {
    this.asked.push({ node, after: afterPath });
    const { has, floor = 0, fails = false } = this.#nodes[node - 1] ?? { has: [] };
    if (fails) throw new QuorumError({ code: "unavailable", message: "connection refused" });
    const rest = has.map(pathOf).filter((path) => path > afterPath);
    for (let at = 0; at < rest.length; at += 1000) {
      const records = rest.slice(at, at + 1000).map((path) => ({
        bucket: 1,
        path,
        accepted: ballot,
        committed: undefined,
        tombstone: false,
        size: 1,
        corrupt: false,
      }));
      yield { records, floors: [], last: false };
    }
    yield { records: [], floors: [{ partition, floor }], last: true };
  }
}

function isPeers(peers: unknown): peers is RecordWindowsOptions["peers"] {
  return typeof peers === "object" && peers !== null && "find" in peers;
}

const range = (from: number, end: number) => Array.from({ length: end - from }, (_, at) => from + at);

describe("windows over the records of several nodes", () => {
  test("nothing anywhere: one window, to the end", async () => {
    const { found, windows } = await new Subject({ has: [] }, { has: [] }).readAll();
    expect({ found: found.size, windows }).toEqual({ found: 0, windows: 1 });
  });

  test("each file once, with all who hold it, however far the lists are apart", async () => {
    const subject = new Subject({ has: [5, 9000] }, { has: range(0, 9500) }, { has: range(4000, 12_000) });
    const { found, windows } = await subject.readAll();
    expect(found.size).toBe(12_000);
    expect(found.get(pathOf(5))).toEqual([1, 2]);
    expect(found.get(pathOf(3999))).toEqual([2]);
    expect([...(found.get(pathOf(9000)) ?? [])].sort()).toEqual([1, 2, 3]);
    expect(found.get(pathOf(11_999))).toEqual([3]);
    expect(windows).toBeGreaterThan(2);
  });

  test("of the floors the highest, at the end", async () => {
    const { last } = await new Subject({ has: [] }, { has: range(0, 10), floor: 4 }, { has: [], floor: 7 }).readAll();
    expect(last.floors.get(partition)).toBe(7);
  });

  test("who fails is named, and the others' word stands", async () => {
    const { found, last } = await new Subject({ has: [] }, { has: [1] }, { has: [2], fails: true }).readAll();
    expect([...found.keys()]).toEqual([pathOf(1)]);
    expect([...last.told].sort()).toEqual([1, 2]);
    expect([...last.failures.keys()]).toEqual([3]);
  });
});
