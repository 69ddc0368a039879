import { expect, test } from "@jest/globals";
import { bucketId, type Layout, nodeId, type ReplicaRequest } from "@quorumfs/core";
import type { ReplicaContext } from "../../src/replica/replica-context.js";
import { accept, ask, ballot, context, doomed, files, layout, openReplica, prepare, read, valueOf } from "./fixture.js";
import { MemoryDisk } from "./memory-disk.js";

function replicaWith(changes: Partial<ReplicaContext> = {}): ReturnType<typeof openReplica>["replica"] {
  return openReplica(new MemoryDisk(), { context: { ...context, ...changes } }).replica;
}

/** Every partition on the given nodes, changed last by the given layout. */
function layoutOn(nodes: number[], options: { number: number; joining?: number[] }): Layout {
  const assignment = {
    nodes: nodes.map(nodeId),
    joining: (options.joining ?? []).map(nodeId),
    layout: options.number,
  };
  return { ...layout, number: options.number, partitions: layout.partitions.map(() => assignment) };
}

const votes: [string, ReplicaRequest][] = [
  ["read", read],
  ["prepare", prepare(1)],
  ["accept", accept(1)],
  ["commit", { kind: "commit", ballot: ballot(1) }],
  ["erase", { kind: "erase", ballot: ballot(1) }],
];

test.each(votes)("%s under an older layout is told the newer one", async (_name, request) => {
  const replica = replicaWith({ layout: () => layoutOn([1, 2, 3], { number: 4 }) });
  expect(await ask(replica, "a", request, { layout: 3 })).toEqual({ kind: "stale_layout", layout: 4 });
  expect(await ask(replica, "a", request, { layout: 4 })).not.toMatchObject({ kind: "stale_layout" });
  expect(await ask(replica, "a", request, { layout: 5 })).not.toMatchObject({ kind: "stale_layout" });
});

test.each(votes)("%s for a partition of others is refused", async (_name, request) => {
  const replica = replicaWith({ layout: () => layoutOn([2, 3], { number: 1 }) });
  expect(await ask(replica, "a", request)).toMatchObject({ kind: "refused", code: "unavailable" });
});

test("a node that takes a partition over votes already", async () => {
  const replica = replicaWith({ layout: () => layoutOn([2, 3], { number: 1, joining: [1] }) });
  expect(await ask(replica, "a", prepare(1))).toMatchObject({ kind: "state" });
});

test("no layout yet", async () => {
  const replica = replicaWith({ layout: () => undefined, self: undefined, clusterId: undefined });
  expect(await ask(replica, "a", read)).toMatchObject({ kind: "refused", code: "unavailable" });
  expect(replica.counterHint(files, "a")).toBe(0);
});

test.each(votes.slice(1))("%s with a stranger's ballot is refused", async (_name, request) => {
  const replica = replicaWith();
  const strange = { ...request, ballot: ballot(1, 9) };
  expect(await ask(replica, "a", strange)).toMatchObject({ kind: "refused", code: "permission_denied" });
});

test("accept with a stranger's next ballot is refused", async () => {
  const replica = replicaWith();
  const reply = await ask(replica, "a", accept(1, valueOf(1), ballot(2, 9)));
  expect(reply).toMatchObject({ kind: "refused", code: "permission_denied" });
  expect(await ask(replica, "a", read)).toMatchObject({ accepted: { counter: 0 } });
});

test("a bucket that the node does not know yet: reads are answered, votes are not", async () => {
  const replica = replicaWith();
  const bucket = bucketId(99);
  expect(await ask(replica, "a", read, { bucket })).toMatchObject({ kind: "state" });
  expect(await ask(replica, "a", prepare(1), { bucket })).toMatchObject({ kind: "refused", code: "unavailable" });
  expect(await ask(replica, "a", accept(1), { bucket })).toMatchObject({ kind: "refused", code: "unavailable" });
});

test("a bucket that is being deleted: reads are answered, votes are not", async () => {
  const replica = replicaWith();
  expect(await ask(replica, "a", read, { bucket: doomed })).toMatchObject({ kind: "state" });
  expect(await ask(replica, "a", prepare(1), { bucket: doomed })).toMatchObject({ kind: "refused", code: "not_found" });
  expect(await ask(replica, "a", accept(1), { bucket: doomed })).toMatchObject({ kind: "refused", code: "not_found" });
});

test("a value without its content is not stored", async () => {
  const replica = replicaWith();
  const reply = await ask(replica, "a", accept(1, { ...valueOf(1), content: { kind: "omitted" } }));
  expect(reply).toMatchObject({ kind: "refused", code: "invalid_argument" });
});

test("a counter that jumps too far is refused, and uses nothing up", async () => {
  const replica = replicaWith();
  expect(await ask(replica, "a", prepare(2 ** 32 + 1))).toMatchObject({ kind: "refused", code: "invalid_argument" });
  expect(await ask(replica, "a", prepare(2 ** 32))).toMatchObject({ kind: "state" });
});

test("files of one path in two buckets have nothing in common", async () => {
  const replica = replicaWith({ bucket: () => ({ deleting: false, durability: "fsync" }) });
  await ask(replica, "a", accept(1), { bucket: bucketId(1) });
  expect(await ask(replica, "a", read, { bucket: bucketId(11) })).toMatchObject({ accepted: { counter: 0 } });
});
