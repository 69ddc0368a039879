import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { Activity, type ActivitySample, AdminServiceService, NodeState, OperationKind } from "@quorumfs/proto";
import { settle } from "../support/virtual-clock.js";
import { Fixture } from "./fixture.js";

let fixture: Fixture;

beforeEach(async () => {
  fixture = new Fixture({ partitions: 24 });
  await fixture.start();
  await fixture.startNodes(3);
});
afterEach(() => fixture.stop());

/** What it says that it did since the beat before. */
function did(answered: number): Activity {
  return Activity.fromPartial({
    spanMs: 500,
    operations: [{ kind: OperationKind.OPERATION_KIND_GET, answered, failed: 1, latencyCounts: [0, answered] }],
    buckets: [{ bucket: "files", reads: answered, bytesRead: 10 * answered }],
    hotFiles: [{ bucket: "files", path: "a", readsPerSecond: answered }],
    chunkBytesRead: 7,
  });
}

function watch(historySeconds: number) {
  const over = new AbortController();
  const messages: ActivitySample[][] = [];
  const done = (async () => {
    const stream = fixture.channel.serverStream(
      AdminServiceService.watchActivity,
      { historySeconds },
      { signal: over.signal },
    );
    for await (const { samples } of stream) messages.push(samples);
  })().catch(() => undefined);
  return { messages, end: () => (over.abort(), done) };
}

describe("activity", () => {
  test("a watch begins with the history, then tells each second", async () => {
    await fixture.clock.advance(5000);
    const watching = watch(3);
    await fixture.clock.advance(4000);
    expect(watching.messages.map((samples) => samples.length)).toEqual([3, 1, 1, 1, 1]);
    const times = watching.messages.flat().map(({ atMs }) => atMs);
    expect(times.map((atMs, index) => atMs - (times[index - 1] ?? atMs - 1000))).toEqual(times.map(() => 1000));
    await watching.end();
  });

  test("more history than there is: what there is; none: an empty message first", async () => {
    const [all, none] = [watch(900), watch(0)];
    await fixture.clock.advance(1000);
    expect(all.messages[0]?.length).toBeGreaterThanOrEqual(0);
    expect(none.messages.map((samples) => samples.length)).toEqual([0, 1]);
    await all.end();
    await none.end();
  });

  test("beats within a second are added up, by node", async () => {
    fixture.node(2).activity = did(10);
    const watching = watch(0);
    await fixture.clock.advance(3000);
    const sample = watching.messages.at(-1)?.[0];
    expect(sample?.nodes.map(({ node, activity }) => [node, activity?.spanMs])).toEqual([
      [1, undefined],
      [2, 1000],
      [3, undefined],
    ]);
    expect(sample?.nodes[1]?.activity).toMatchObject({
      operations: [{ kind: OperationKind.OPERATION_KIND_GET, answered: 20, failed: 2, latencyCounts: [0, 20] }],
      buckets: [{ bucket: "files", reads: 20, bytesRead: 200 }],
      hotFiles: [{ bucket: "files", path: "a", readsPerSecond: 10 }],
      chunkBytesRead: 14,
    });
    await watching.end();
  });

  test("a node that is not heard has neither load nor activity, and the state that it is in", async () => {
    fixture.node(1).activity = did(10);
    await fixture.clock.advance(1000);
    await fixture.node(1).kill();
    const watching = watch(0);
    await fixture.clock.advance(5000);
    const gone = watching.messages.at(-1)?.[0]?.nodes[0];
    expect(gone).toMatchObject({ node: 1, state: NodeState.NODE_STATE_DOWN, load: undefined, activity: undefined });
    await watching.end();
  });

  test("history has no buckets and hot files, but the figures", async () => {
    fixture.node(1).activity = did(10);
    await fixture.clock.advance(3000);
    const watching = watch(1);
    await settle();
    const node = watching.messages[0]?.[0]?.nodes[0];
    expect(node?.activity).toMatchObject({ buckets: [], hotFiles: [], operations: [{ answered: 20 }] });
    expect(node?.load).toMatchObject({ inFlight: 1, sync: undefined, damage: undefined });
    await watching.end();
  });

  test("history is bounded", async () => {
    await fixture.clock.advance(910_000);
    const watching = watch(2000);
    await settle();
    expect(watching.messages[0]).toHaveLength(900);
    await watching.end();
  });

  test("what a node says beyond all bounds is left out", async () => {
    const buckets = Array.from({ length: 5000 }, (_, index) => ({ bucket: `bucket-${index}`, reads: 1 }));
    fixture.node(1).activity = Activity.fromPartial({ spanMs: 500, chunkBytesRead: 3, buckets });
    const watching = watch(0);
    await fixture.clock.advance(2000);
    expect(watching.messages.at(-1)?.[0]?.nodes[0]?.activity).toMatchObject({ buckets: [], chunkBytesRead: 6 });
    await watching.end();
  });

  test("many watch", async () => {
    const watching = Array.from({ length: 200 }, () => watch(0));
    await fixture.clock.advance(2000);
    expect(new Set(watching.map(({ messages }) => messages.length))).toEqual(new Set([3]));
    await Promise.all(watching.map(({ end }) => end()));
  });
});
