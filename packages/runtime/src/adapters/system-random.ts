import { randomFillSync } from "node:crypto";
import type { Random } from "@quorumfs/core";

// Request ids are 16 bytes each, and a call into the generator costs more than they do: 256 of them come at a time.
const poolBytes = 4096;

/** The operating system's randomness. */
export function systemRandom(): Random {
  const pool = new Uint8Array(poolBytes);
  let used = poolBytes;
  return {
    fraction: () => Math.random(),
    bytes: (length) => {
      if (length > poolBytes) return randomFillSync(new Uint8Array(length));
      if (used + length > poolBytes) {
        randomFillSync(pool);
        used = 0;
      }
      used += length;
      return pool.slice(used - length, used);
    },
  };
}
