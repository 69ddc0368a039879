/**
 * A download that is to be resumed keeps what has come beside its place, under a name which says what content it is the
 * beginning of.
 */
import { createHash, type Hash } from "node:crypto";
import { type FileHandle, mkdir, open, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { statOf } from "./find-local.js";
import { attempt, besides, directoryInTheWay, writeAll } from "./part-file.js";

const etagPrefixDigits = 16;
const readBytes = 1024 * 1024;

/** What is there of a download that was interrupted, and will be there of this one if it is. */
export class PartialDownload {
  readonly #path: string;
  readonly #part: string;
  readonly #handle: FileHandle;
  readonly #hash: Hash;
  #bytes: number;

  private constructor(options: { path: string; part: string; handle: FileHandle; hash: Hash; bytes: number }) {
    this.#path = options.path;
    this.#part = options.part;
    this.#handle = options.handle;
    this.#hash = options.hash;
    this.#bytes = options.bytes;
  }

  /** @param etag of the content that is to be there in the end: of another one, nothing is taken */
  static open(path: string, { etag, size }: { etag: string; size: number }): Promise<PartialDownload> {
    return attempt(path, async () => {
      await mkdir(dirname(path), { recursive: true });
      const part = besides(path, etag.slice(0, etagPrefixDigits));
      // No O_TRUNC, and made if it is not there.
      const handle = await open(part, "a+");
      try {
        let hash = createHash("sha256");
        let bytes = (await handle.stat()).size;
        if (bytes <= size) await hashOf(handle, hash);
        else {
          await handle.truncate(0);
          hash = createHash("sha256");
          bytes = 0;
        }
        return new PartialDownload({ path, part, handle, hash, bytes });
      } catch (error) {
        await handle.close();
        throw error;
      }
    });
  }

  /** How many bytes are there, from the beginning. */
  get bytes(): number {
    return this.#bytes;
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    await attempt(this.#path, () => writeAll(this.#handle, bytes));
    this.#bytes += bytes.length;
  }

  /** The SHA-256 of all that is there; nothing can be appended afterwards. */
  digest(): string {
    return this.#hash.digest("hex");
  }

  async publish(): Promise<void> {
    await attempt(this.#path, async () => {
      const existing = await statOf(this.#path);
      if (existing?.isDirectory()) throw directoryInTheWay(this.#path);
      if (existing) await this.#handle.chmod(existing.mode);
      await this.#handle.sync();
      await rename(this.#part, this.#path);
    });
  }

  async discard(): Promise<void> {
    await unlink(this.#part).catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

async function hashOf(handle: FileHandle, hash: Hash): Promise<void> {
  const buffer = Buffer.allocUnsafe(readBytes);
  for (let position = 0; ;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return;
    hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}
