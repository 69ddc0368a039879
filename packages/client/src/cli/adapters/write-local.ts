/**
 * Local files appear whole or not at all: they are written beside their place under a name that begins with a dot and ends
 * with `.part`, brought to the disk, and renamed. A download that is to be resumed keeps that file, under a name which
 * says what content it is the beginning of.
 */
import { createHash, randomUUID, type Hash } from "node:crypto";
import { unlinkSync, type Stats } from "node:fs";
import { type FileHandle, mkdir, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { QuorumError } from "@quorumfs/core";
import { statOf } from "./find-local.js";
import { localError } from "./local-error.js";

// Names of files are at most 255 bytes: what is left is for the dot, the etag or id, and `.part`.
const nameBytesMax = 200;
const etagPrefixDigits = 16;
const readBytes = 1024 * 1024;

// Temporary names that are in use, so that a second Ctrl-C, which ends the process at once, leaves none behind.
const unfinished = new Set<string>();
process.on("exit", () => {
  for (const path of unfinished) {
    try {
      unlinkSync(path);
    } catch {
      // It was renamed or removed a moment ago, or nothing can be done.
    }
  }
});

/** What a local file was when it was looked at: it is not replaced if it is something else by then. */
export interface LocalState {
  readonly size: number | undefined;
  readonly modifiedMs: number;
}

export interface WriteOptions {
  /** Replace nothing but this. Undefined: whatever is there. */
  readonly replacing?: LocalState | "nothing";
}

/**
 * Writes a file, with the directories that lead to it. Devices and pipes are written to as they are.
 *
 * @throws QuorumError; what `content` throws is passed on
 */
export async function writeLocal(
  path: string,
  content: AsyncIterable<Uint8Array>,
  options: WriteOptions = {},
): Promise<void> {
  const existing = await statOf(path);
  if (existing && !existing.isFile() && !existing.isDirectory()) return writeThrough(path, content);
  const draft = await LocalDraft.create(path, existing);
  try {
    for await (const bytes of content) await draft.write(bytes);
    await draft.publish(options);
  } finally {
    await draft.close();
  }
}

/** A device or a pipe cannot be replaced. */
async function writeThrough(path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  const handle = await attempt(path, () => open(path, "w"));
  try {
    for await (const bytes of content) await attempt(path, () => writeAll(handle, bytes));
  } finally {
    await handle.close();
  }
}

/** The content of a file before it stands in its place. Whoever makes it closes it; what was not published is removed. */
class LocalDraft {
  readonly #path: string;
  readonly #temporary: string;
  readonly #handle: FileHandle;
  readonly #mode: number | undefined;
  #isOpen = true;

  private constructor(path: string, temporary: string, handle: FileHandle, mode: number | undefined) {
    this.#path = path;
    this.#temporary = temporary;
    this.#handle = handle;
    this.#mode = mode;
  }

  static create(path: string, existing: Stats | undefined): Promise<LocalDraft> {
    return attempt(path, async () => {
      if (existing?.isDirectory()) throw directoryInTheWay(path);
      await mkdir(dirname(path), { recursive: true });
      const temporary = besides(path, randomUUID());
      unfinished.add(temporary);
      try {
        return new LocalDraft(path, temporary, await open(temporary, "wx"), existing?.mode);
      } catch (error) {
        unfinished.delete(temporary);
        throw error;
      }
    });
  }

  async write(bytes: Uint8Array): Promise<void> {
    await attempt(this.#path, () => writeAll(this.#handle, bytes));
  }

  async publish({ replacing }: WriteOptions): Promise<void> {
    await attempt(this.#path, async () => {
      if (this.#mode !== undefined) await this.#handle.chmod(this.#mode);
      await this.#handle.sync();
      await this.#closeHandle();
      if (replacing !== undefined) await requireUnchanged(this.#path, replacing);
      await rename(this.#temporary, this.#path);
      unfinished.delete(this.#temporary);
    });
  }

  async close(): Promise<void> {
    await this.#closeHandle();
    if (!unfinished.has(this.#temporary)) return;
    await unlink(this.#temporary).catch(() => undefined);
    unfinished.delete(this.#temporary);
  }

  async #closeHandle(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#handle.close();
  }
}

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

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at)).bytesWritten;
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

async function requireUnchanged(path: string, expected: LocalState | "nothing"): Promise<void> {
  const now = await statOf(path);
  const isSame =
    expected === "nothing" || !now
      ? expected === "nothing" && !now
      : now.size === expected.size && now.mtimeMs === expected.modifiedMs;
  if (isSame) return;
  throw new QuorumError({
    code: "precondition_failed",
    message: `${path} was changed by somebody else meanwhile, and was left alone; run the command again`,
  });
}

function besides(path: string, mark: string): string {
  let name = basename(path);
  while (Buffer.byteLength(name) > nameBytesMax) name = name.slice(0, -1);
  return join(dirname(path), `.${name}.${mark}.part`);
}

function directoryInTheWay(path: string): QuorumError {
  return localError(`cannot write ${path}`, Object.assign(new Error("is a directory"), { code: "EISDIR" }));
}

async function attempt<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw localError(`cannot write ${path}`, error);
  }
}
