import { expect, test } from "@jest/globals";
import { type Layout, type NodeId, nodeId, partitionOf } from "@quorumfs/core";
import { CopyState } from "@quorumfs/proto";
import { Inspector } from "../../src/explain/inspector.js";
import { files, layout, openReplica } from "../replica/fixture.js";
import { MemoryDisk } from "../replica/memory-disk.js";

const [n1, n2, n3, n4] = [nodeId(1), nodeId(2), nodeId(3), nodeId(4)];
const target = { bucket: files, path: "a", layout: 1 };

/** What node 1 says of its copy, with the file's partition between these groups. */
function stateWith(
  groups: { readonly nodes: readonly NodeId[]; readonly joining: readonly NodeId[] },
  isSynced: boolean,
) {
  const moved = partitionOf(files, "a", layout.partitions.length);
  const partitions = layout.partitions.map((one, index) => (index === moved ? { ...groups, layout: 1 } : one));
  const moving: Layout = { ...layout, partitions };
  const { replica } = openReplica(new MemoryDisk());
  const inspector = new Inspector({
    replica,
    context: { layout: () => moving, self: n1 },
    holdings: { isSynced: () => isSynced },
  });
  return inspector.inspect(target).then(({ state }) => state);
}

test.each([
  ["a replica that stays", { nodes: [n1, n2, n3], joining: [n1, n2, n4] }, false, CopyState.COPY_STATE_GOOD],
  [
    "one that joins and lacks something",
    { nodes: [n2, n3, n4], joining: [n1, n2, n3] },
    false,
    CopyState.COPY_STATE_ARRIVING,
  ],
  ["one that joins and has all", { nodes: [n2, n3, n4], joining: [n1, n2, n3] }, true, CopyState.COPY_STATE_GOOD],
] as const)("%s", async (_, groups, isSynced, expected) => {
  expect(await stateWith(groups, isSynced)).toBe(expected);
});
