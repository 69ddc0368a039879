import type { Buffer } from "node:buffer";
import type { Ballot } from "@quorumfs/core";

/** f64 counter, u32 node, u32 incarnation; little-endian. Part of the storage format. */
export const ballotBytes = 16;

export function ballotAt(bytes: Buffer, offset: number): Ballot {
  return {
    counter: bytes.readDoubleLE(offset),
    node: bytes.readUInt32LE(offset + 8),
    incarnation: bytes.readUInt32LE(offset + 12),
  };
}

export function writeBallot(bytes: Buffer, offset: number, ballot: Ballot): void {
  bytes.writeDoubleLE(ballot.counter, offset);
  bytes.writeUInt32LE(ballot.node, offset + 8);
  bytes.writeUInt32LE(ballot.incarnation, offset + 12);
}
