import { type ReplicaReply, type ReplicaRequest } from "@quorumfs/core";
import { type ExchangeResponse, ReplicaServiceService } from "@quorumfs/proto";
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

/** All records of node `index` (from 0): path and accepted ballot, tombstones with a minus. */
export async function recordsOf(cluster: SmallCluster, index: number): Promise<Readonly<Record<string, string>>> {
  const request = { bucket: 0, prefix: "", afterBucket: 0, afterPath: "" };
  const pages = channelTo(cluster, index, "0").serverStream(ReplicaServiceService.scanRecords, request, {});
  const records: Record<string, string> = {};
  for await (const page of pages) {
    for (const { entry } of page.records) {
      const { counter = 0, node = 0 } = entry?.accepted ?? {};
      records[entry?.path ?? ""] = `${entry?.value?.tombstone === true ? "-" : ""}${counter}.${node}`;
    }
  }
  return records;
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
