import { partitionCount, type ReplicaReply, type ReplicaRequest } from "@quorumfs/core";
import { type ExchangeResponse, ReplicaServiceService, ScanPart, ScanWindowRequest } from "@quorumfs/proto";
import { replyFromWire, requestToWire } from "../../src/replica/wire.js";
import { files } from "../replica/fixture.js";
import type { SmallCluster } from "./small-cluster.js";

function channelTo(cluster: SmallCluster, index: number, node: string) {
  const address = cluster.nodes[index]?.address ?? "";
  const identity = new Map([
    ["quorumfs-cluster", "test-cluster"],
    ["quorumfs-node", node],
  ]);
  return cluster.network.connect({ address, purpose: "votes", identity });
}

/** All records of bucket `files` on node `index` (from 0): path and accepted ballot, tombstones with a minus. */
export async function recordsOf(cluster: SmallCluster, index: number): Promise<Readonly<Record<string, string>>> {
  const parts = new Uint8Array(partitionCount).fill(ScanPart.SCAN_PART_COPIES);
  const request = ScanWindowRequest.fromPartial({ bucket: files, limit: 65_536, parts });
  const window = await channelTo(cluster, index, "0").unary(ReplicaServiceService.scanWindow, request, {});
  if (window.truncated) throw new Error("there are more records than one window tells");
  return Object.fromEntries(
    window.copies.map(({ path, accepted, value }) => {
      const { counter = 0, node = 0 } = accepted ?? {};
      return [path, `${value?.tombstone === true ? "-" : ""}${counter}.${node}`];
    }),
  );
}

/** One vote that node 1 asks node `index` (from 0) for. */
export async function askNode(
  cluster: SmallCluster,
  index: number,
  vote: { readonly path: string; readonly request: ReplicaRequest; readonly layout?: number },
): Promise<ReplicaReply> {
  const stream = channelTo(cluster, index, "1").duplex(ReplicaServiceService.exchange, {});
  const target = { bucket: files, path: vote.path, layout: vote.layout ?? 1 };
  const message = requestToWire({ id: 1, target, request: vote.request, requestId: new Uint8Array(0) });
  const answered = new Promise<ReplicaReply>((resolve, reject) => {
    stream.onMessage((frame: ExchangeResponse) => {
      for (const response of frame.responses) resolve(replyFromWire(response));
    });
    stream.onEnd((error) => reject(error ?? new Error("no reply")));
  });
  stream.write({ requests: [message] });
  const reply = await answered;
  stream.end();
  return reply;
}
