/**
 * What the command line remembers of large uploads that are under way, so that `put --resume` can go on with one after its
 * process has died: a file per upload, below the user's state directory, written before the first chunk and removed when
 * the upload has ended.
 */
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { mkdirSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import { readdir, readFile, stat, unlink } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { UploadKey, UploadNote, UploadNotes } from "../upload-note.js";

// DataNodes let go of what nobody has asked after for this long (--upload-lease), so there would be nothing to go on from.
const leaseMs = 24 * 60 * 60 * 1000;
// An upload may take longer than the lease, which each chunk renews.
const touchMs = 10 * 60 * 1000;

export function uploadNotes(environment: Readonly<Record<string, string | undefined>>): UploadNotes {
  const state = environment.XDG_STATE_HOME || join(homedir(), ".local", "state");
  const directory = join(state, "quorumfs", "uploads");
  return {
    async begin(key, { resume }) {
      const path = join(directory, `${digestOf(key)}.json`);
      const earlier = resume ? await read(path, key) : undefined;
      await dropStale(directory);
      const note = new NoteFile(path, key, earlier);
      note.write();
      return note;
    },
  };
}

class NoteFile implements UploadNote {
  readonly requestId: string;
  readonly isResumed: boolean;
  readonly #path: string;
  readonly #key: UploadKey;
  #touchedMs = Date.now();

  constructor(path: string, key: UploadKey, earlier: string | undefined) {
    this.#path = path;
    this.#key = key;
    this.requestId = earlier ?? randomBytes(16).toString("hex");
    this.isResumed = earlier !== undefined;
  }

  write(): void {
    const content = { ...this.#key, requestId: this.requestId };
    const temporary = `${this.#path}.${randomUUID()}`;
    mkdirSync(join(this.#path, ".."), { recursive: true, mode: 0o700 });
    writeFileSync(temporary, `${JSON.stringify(content)}\n`, { mode: 0o600, flush: true });
    renameSync(temporary, this.#path);
  }

  progressed(): void {
    const nowMs = Date.now();
    if (nowMs - this.#touchedMs < touchMs) return;
    this.#touchedMs = nowMs;
    try {
      utimesSync(this.#path, nowMs / 1000, nowMs / 1000);
    } catch {
      // It only makes the note last.
    }
  }

  async remove(): Promise<void> {
    // Not that of another process, which sends the same file by now.
    const current = await read(this.#path, this.#key);
    if (current === this.requestId) await unlink(this.#path).catch(() => undefined);
  }
}

/** The request id of an earlier upload. */
async function read(path: string, key: UploadKey): Promise<string | undefined> {
  try {
    if (Date.now() - (await stat(path)).mtimeMs > leaseMs) return undefined;
    const content: unknown = JSON.parse(await readFile(path, "utf8"));
    if (typeof content !== "object" || content === null || !("requestId" in content)) return undefined;
    const { requestId } = content;
    if (typeof requestId !== "string" || !/^[0-9a-f]{32}$/.test(requestId)) return undefined;
    return Object.entries(key).every(([name, value]) => Reflect.get(content, name) === value) ? requestId : undefined;
  } catch {
    // There is none, or none that can be made sense of: the upload begins anew.
    return undefined;
  }
}

function digestOf({ clusterId, name, path, size, modifiedMs }: UploadKey): string {
  return createHash("sha256")
    .update(JSON.stringify([clusterId, name, path, size, modifiedMs]))
    .digest("hex")
    .slice(0, 32);
}

async function dropStale(directory: string): Promise<void> {
  const nowMs = Date.now();
  for (const name of await readdir(directory).catch(() => [])) {
    const path = join(directory, name);
    const found = await stat(path).catch(() => undefined);
    if (found && nowMs - found.mtimeMs > leaseMs) await unlink(path).catch(() => undefined);
  }
}
