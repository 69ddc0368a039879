/**
 * Local files appear whole or not at all: they are written beside their place under another name, brought to the disk, and
 * renamed.
 */
import { randomUUID } from "node:crypto";
import { unlinkSync, type Stats } from "node:fs";
import { type FileHandle, mkdir, open, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { QuorumError } from "@quorumfs/core";
import { statOf } from "./find-local.js";
import { attempt, besides, directoryInTheWay, writeAll } from "./part-file.js";

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
