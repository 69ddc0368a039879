import { checkPrefix } from "@quorumfs/core";
import { ScanPart, type ScanWindowRequest, type ScanWindowResponse } from "@quorumfs/proto";
import type { Window, WindowRequest } from "./window.js";
import { checkAfter, checkBucketId, malformed } from "./wire-check.js";
import { rangeEntryToWire } from "./wire.js";

/** A node reads so many in some 100 ms; the tallies and rows of more would not fit into one message. */
const windowLimitMax = 65_536;

/** More than any layout has, and little enough that a window's tallies fit into one message. */
const partitionsMax = 65_536;

/** @throws QuorumError `invalid_argument`, if the message breaks any limit */
export function windowRequestFromWire(message: ScanWindowRequest): WindowRequest {
  const { limit, parts, sizeMin, sizeMax = Infinity } = message;
  if (limit < 1 || limit > windowLimitMax) {
    throw malformed(`a window has 1 to ${windowLimitMax} records, not ${limit}`);
  }
  if (parts.length < 1 || parts.length > partitionsMax) throw malformed(`${parts.length} partitions`);
  if (parts.some((part) => part > ScanPart.SCAN_PART_COPIES)) throw malformed("a part of a scan that is not known");
  return {
    bucket: checkBucketId(message.bucket),
    prefix: checkPrefix(message.prefix),
    after: checkAfter(message.after),
    until: checkAfter(message.until),
    limit,
    parts,
    sizeMin,
    sizeMax,
  };
}

export function windowToWire({ lastPath, tallies, rows, copies }: Window): ScanWindowResponse {
  return {
    truncated: lastPath !== undefined,
    lastPath: lastPath ?? "",
    tallies,
    rows,
    copies: copies.map(rangeEntryToWire),
  };
}
