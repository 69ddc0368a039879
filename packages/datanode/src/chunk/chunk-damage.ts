import { Buffer } from "node:buffer";
import { type Log, QuorumError } from "@quorumfs/core";
import type { ChunkKey } from "./chunk-key.js";

/** Chunks that are remembered as damaged; of the others it is found out again. */
const damagedMax = 65_536;

/** Chunks whose damage was found: they do not count as stored until they are put right. */
export class ChunkDamage {
  readonly #log: Log;
  readonly #found = new Set<string>();
  #listener: (chunk: ChunkKey) => void = () => undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /** One listener at most; it may be told of a chunk again. */
  onDamage(listener: (chunk: ChunkKey) => void): void {
    this.#listener = listener;
  }

  has(keyBytes: Buffer): boolean {
    return this.#found.size > 0 && this.#found.has(nameOf(keyBytes));
  }

  /** @returns what to tell whoever wanted to read it */
  tell(key: ChunkKey, keyBytes: Buffer): QuorumError {
    if (!this.has(keyBytes)) {
      if (this.#found.size < damagedMax) this.#found.add(nameOf(keyBytes));
      this.#log.error("chunk.damaged", { ...fieldsOf(key) });
    }
    this.#listener(key);
    return new QuorumError({ code: "corrupt", message: "the chunk is damaged here; read it from another replica" });
  }

  /** It was put right, or turned out to be so. */
  forget(keyBytes: Buffer): void {
    this.#found.delete(nameOf(keyBytes));
  }
}

/** A chunk's name in logs. */
export function fieldsOf({ owner, upload, index }: ChunkKey) {
  return { bucket: owner.bucket, path: owner.path, upload: Buffer.from(upload).toString("hex"), index };
}

function nameOf(keyBytes: Buffer): string {
  return keyBytes.toString("latin1");
}
