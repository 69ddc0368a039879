import type { Explanation as Explained } from "@quorumfs/client";
import type { ExplainedVersionView, Explanation, ReplicaCopyView, ReplicaVoteView } from "../api.js";

type Vote = Explained["votes"][number];

export function explanationView(explained: Explained): Explanation {
  const { name: _name, version, votes, chunkHolders, ...rest } = explained;
  return {
    ...rest,
    version: version ? versionView(version) : null,
    votes: votes.map(voteOf),
    chunkHolders: chunkHolders.map((holder) => ({ ...holder, failure: holder.failure ?? null })),
  };
}

function versionView(version: NonNullable<Explained["version"]>): ExplainedVersionView {
  const { modifiedAt, ...rest } = version;
  return { ...rest, modifiedAtMs: modifiedAt.getTime() };
}

function voteOf({ node, address, zone, group, counted, latencyMs, copy, failure }: Vote): ReplicaVoteView {
  return {
    node,
    address,
    zone,
    copy: copy ? copyOf(copy) : null,
    failure: failure ?? null,
    latencyMs,
    current: group !== "joining",
    joining: group !== "current",
    counted,
  };
}

function copyOf(copy: NonNullable<Vote["copy"]>): ReplicaCopyView {
  const { state, promised, accepted, committed, version, size, etag, modifiedAt, deleted, chunksWanted, chunksHeld } =
    copy;
  return {
    state,
    promised: promised ?? null,
    accepted: accepted ?? null,
    committed: committed ?? null,
    version: version ?? 0,
    size,
    etag,
    modifiedAtMs: modifiedAt?.getTime() ?? null,
    deleted,
    chunksWanted,
    chunksHeld,
  };
}
