import { Buffer } from "node:buffer";
import type { Disk, Table } from "@quorumfs/core";
import { asBuffer } from "../replica/as-buffer.js";
import type { DamagedFile } from "../replica/file-table.js";
import { openPromise } from "../replica/promise-row.js";
import { behindKey, keySeed, wholeRange } from "../replica/record-key.js";
import { fileOfKey } from "./damaged-file-key.js";
import type { ScrubWalk, WalkStep } from "./scrub-walk.js";

const stepRowsMax = 512;

// A path as it usually is, and the ballot.
const rowBytesAbout = 64;

export interface PromiseWalkOptions {
  readonly disk: Disk;
  readonly onDamage: (file: DamagedFile) => void;
}

/** Promises that are higher than their records: rows of their own, and few. */
export class PromiseWalk implements ScrubWalk {
  readonly #options: PromiseWalkOptions;
  readonly #promises: Table;

  constructor(options: PromiseWalkOptions) {
    this.#options = options;
    this.#promises = options.disk.table("promises");
  }

  bytes(): number {
    return this.#promises.count() * rowBytesAbout;
  }

  async step(after: Uint8Array): Promise<WalkStep> {
    let rows = 0;
    let bytes = 0;
    let last: Buffer | undefined;
    const range = after.length === 0 ? wholeRange : behindKey(wholeRange, asBuffer(after));
    for (const { key, value } of this.#promises.range(range)) {
      rows += 1;
      bytes += key.length + value.length;
      const file = isSound(asBuffer(key), asBuffer(value)) ? undefined : fileOfKey(asBuffer(key));
      if (file) this.#options.onDamage(file);
      if (rows === stepRowsMax) {
        last = Buffer.from(key);
        break;
      }
    }
    return { records: 0, chunks: 0, bytes, after: last };
  }
}

function isSound(key: Buffer, row: Buffer): boolean {
  return openPromise({ bytes: key, seed: keySeed(key) }, row) !== undefined;
}
