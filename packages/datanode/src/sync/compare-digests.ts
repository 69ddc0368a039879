/** How two replicas find out in which sub-ranges of their common partitions they differ. */
import { Buffer } from "node:buffer";
import {
  type CancelSignal,
  type Channel,
  differingSubRanges,
  type SubRangeSet,
  subRangeDigestsBytes,
} from "@quorumfs/core";
import { type CompareDigestsRequest, type CompareDigestsResponse, SyncServiceService } from "@quorumfs/proto";
import { malformed } from "../replica/wire-check.js";
import type { Digests } from "./digests.js";
import type { PartitionGate } from "./partition-gate.js";

/** A partition as both sides are to follow it. */
export interface ComparedPartition {
  readonly partition: number;
  readonly layout: number;
}

/** Where another replica holds something else than this node. */
export interface DigestDifference extends ComparedPartition {
  readonly subRanges: SubRangeSet;
  /** Digests of all sub-ranges, on both sides. */
  readonly ours: Uint8Array;
  readonly theirs: Uint8Array;
}

export type ComparisonSource = Pick<Digests, "isReady" | "digestOf" | "subRangesOf">;

/** Two mebibytes of answer, if all of them differ. */
const partitionsMax = 1024;

// Some milliseconds of work, and up to two mebibytes.
const timeoutMs = 10_000;

const noDigests = new Uint8Array(0);

/**
 * What this node says to another one's digests.
 *
 * @throws QuorumError `invalid_argument`; what {@link PartitionGate.check} throws
 */
export async function answerComparison(
  { partitions }: CompareDigestsRequest,
  { digests, gate }: { readonly digests: ComparisonSource; readonly gate: PartitionGate },
): Promise<CompareDigestsResponse> {
  if (partitions.length > partitionsMax) throw malformed(`${partitions.length} partitions`);
  const asked = partitions.map(({ partition, digest }) => {
    if (!partition) throw malformed("a digest without its partition");
    return { partition, digest };
  });
  await gate.enter(asked.map(({ partition }) => partition));
  if (!digests.isReady) return { partitions: [], notReady: true };
  return {
    notReady: false,
    partitions: asked.flatMap(({ partition, digest: theirs }) => {
      const digest = digests.digestOf(partition.partition);
      if (!digest || sameBytes(digest, theirs)) return [];
      const subRanges = digests.subRangesOf(partition.partition);
      return subRanges ? [{ partition, digest, subRanges }] : [];
    }),
  };
}

/**
 * Compares partitions with another node, which is to vote on all of them, too. What is written meanwhile differs as a rule.
 *
 * @returns undefined: one of the two has not counted its records yet
 * @throws QuorumError as an answer's layout does; `unavailable`; `invalid_argument`: the answer makes no sense
 */
export async function compareDigests(options: {
  readonly channel: Channel;
  readonly partitions: readonly ComparedPartition[];
  readonly digests: ComparisonSource;
  readonly signal: CancelSignal;
}): Promise<readonly DigestDifference[] | undefined> {
  const { channel, partitions, digests, signal } = options;
  if (!digests.isReady) return undefined;
  const request = {
    partitions: partitions.map(({ partition, layout }) => ({
      partition: { partition, layout },
      digest: digests.digestOf(partition) ?? noDigests,
      subRanges: noDigests,
    })),
  };
  const call = { timeoutMs, signal };
  const response = await channel.unary(SyncServiceService.compareDigests, request, call);
  return response.notReady ? undefined : differencesIn(response, digests);
}

function differencesIn(response: CompareDigestsResponse, digests: ComparisonSource): readonly DigestDifference[] {
  return response.partitions.flatMap(({ partition: version, subRanges: theirs }) => {
    if (!version) throw malformed("a digest without its partition");
    if (theirs.length !== subRangeDigestsBytes) throw malformed(`digests of ${theirs.length} bytes`);
    const { partition, layout } = version;
    const ours = digests.subRangesOf(partition);
    if (!ours) return [];
    const subRanges = differingSubRanges(ours, theirs);
    return subRanges.isEmpty ? [] : [{ partition, layout, subRanges, ours, theirs }];
  });
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
