/** Asks a DataNode how the vote on a file stands. */
import { type Clock, parseFileName, QuorumError } from "@quorumfs/core";
import {
  type Ballot,
  type ChunkHolder as WireHolder,
  CopyState as WireState,
  type ExplainedVersion as WireVersion,
  type ExplainResponse,
  FileServiceService,
  type ReplicaCopy as WireCopy,
  type ReplicaVote as WireVote,
  Verdict,
} from "@quorumfs/proto";
import { wallDate } from "./adapters/wall-date.js";
import type { ClusterView } from "./cluster/cluster-view.js";
import type {
  BallotInfo,
  ChunkHolder,
  CopyState,
  ExplainedVersion,
  ExplainVerdict,
  Explanation,
  ReplicaCopy,
  ReplicaVote,
} from "./explain-info.js";
import { callWith, type OperationOptions } from "./options.js";
import type { DataNodes } from "./routing/data-nodes.js";
import { toDurability, toHex } from "./wire.js";

export interface ExplainContext {
  readonly clock: Clock;
  readonly dataNodes: DataNodes;
  readonly view: ClusterView;
}

// A DataNode waits a second for each replica, and some more for chunks. One that hangs is not waited for by all the time there is.
const attemptMs = 10_000;

/** @throws QuorumError `invalid_argument`, `not_found` (no such bucket), `unavailable`, `resource_exhausted`, `cancelled` */
export async function explainFile(
  context: ExplainContext,
  name: string,
  options: OperationOptions,
): Promise<Explanation> {
  const { clock, dataNodes, view } = context;
  const { bucket, path } = parseFileName(name);
  const { timeoutMs, ...rest } = callWith(options);
  const replicas = view.replicasOf(view.bucketId(bucket), path);
  const deadlineMs = clock.nowMs() + timeoutMs;
  const tried: number[] = [];
  let last: QuorumError | undefined;
  for (;;) {
    const nowMs = clock.nowMs();
    const target = dataNodes.pickWriter(replicas, tried, nowMs, undefined);
    if (!target || nowMs >= deadlineMs) throw last ?? nobody();
    tried.push(target.id);
    try {
      const call = { ...rest, timeoutMs: Math.min(attemptMs, deadlineMs - nowMs) };
      const response = await target.bulk.channel.unary(FileServiceService.explain, { bucket, path }, call);
      return toExplanation({ name, bucket, path }, response);
    } catch (thrown) {
      last = QuorumError.from(thrown);
      if (!last.retryable) throw last;
    }
  }
}

function nobody(): QuorumError {
  return new QuorumError({ code: "unavailable", message: "the cluster has no DataNodes; start some" });
}

function toExplanation(
  file: { readonly name: string; readonly bucket: string; readonly path: string },
  response: ExplainResponse,
): Explanation {
  const { partition, layout, coordinator, replicas, readQuorum, writeQuorum, promiseQuorum, joint } = response;
  const { reasons, readNeeds, writeNeeds } = response;
  return {
    ...file,
    partition,
    layout,
    coordinator,
    replicas,
    readQuorum,
    writeQuorum,
    promiseQuorum,
    durability: toDurability(response.durability),
    joint,
    verdict: toVerdict(response.verdict),
    version: response.version && toVersion(response.version),
    votes: response.votes.map(toVote),
    reasons,
    readNeeds,
    writeNeeds,
    chunkHolders: response.chunkHolders.map(toHolder).sort((a, b) => a.node - b.node),
  };
}

/** @throws QuorumError `internal`: a newer DataNode says what this client does not know */
function toVerdict(verdict: Verdict): ExplainVerdict {
  switch (verdict) {
    case Verdict.VERDICT_FOUND:
      return "found";
    case Verdict.VERDICT_ABSENT:
      return "absent";
    case Verdict.VERDICT_UNSETTLED:
      return "unsettled";
    case Verdict.VERDICT_NO_QUORUM:
      return "no_quorum";
    case Verdict.VERDICT_UNSPECIFIED:
    case Verdict.UNRECOGNIZED:
      throw new QuorumError({ code: "internal", message: "the DataNode came to a verdict that is not known here" });
  }
}

function toVersion({ version, ballot, size, etag, modifiedAtMs, deleted, chunks }: WireVersion): ExplainedVersion {
  const { counter = version, node = 0, incarnation = 0 } = ballot ?? {};
  return {
    version,
    ballot: { counter, node, incarnation },
    size,
    etag: toHex(etag),
    modifiedAt: wallDate(modifiedAtMs),
    deleted,
    chunks,
  };
}

function toVote({ node, address, zone, current, joining, counted, latencyUs, copy, failure }: WireVote): ReplicaVote {
  return {
    node,
    address,
    zone,
    group: joining ? (current ? "both" : "joining") : "current",
    counted,
    latencyMs: latencyUs / 1000,
    copy: copy && toCopy(copy),
    failure: failure === "" ? undefined : failure,
  };
}

function toCopy(copy: WireCopy): ReplicaCopy {
  const { promised, accepted, committed, version, size, etag, modifiedAtMs, deleted, floor } = copy;
  const { chunksWanted, chunksHeld } = copy;
  return {
    state: toState(copy),
    promised: toBallot(promised),
    accepted: toBallot(accepted),
    committed: toBallot(committed),
    version: accepted ? version : undefined,
    size,
    etag: toHex(etag),
    modifiedAt: accepted ? wallDate(modifiedAtMs) : undefined,
    deleted,
    floor,
    chunksWanted,
    chunksHeld,
  };
}

function toState({ state, accepted }: WireCopy): CopyState {
  switch (state) {
    case WireState.COPY_STATE_GOOD:
      return "good";
    case WireState.COPY_STATE_ARRIVING:
      return "arriving";
    case WireState.COPY_STATE_FORGOTTEN:
      return "forgotten";
    case WireState.COPY_STATE_DAMAGED:
    case WireState.COPY_STATE_UNSPECIFIED:
    case WireState.UNRECOGNIZED:
      return accepted ? "content_damaged" : "damaged";
  }
}

function toBallot(ballot: Ballot | undefined): BallotInfo | undefined {
  if (!ballot) return undefined;
  const { counter, node, incarnation } = ballot;
  return { counter, node, incarnation };
}

function toHolder({ node, address, zone, wanted, held, failure }: WireHolder): ChunkHolder {
  return { node, address, zone, wanted, held, failure: failure === "" ? undefined : failure };
}
