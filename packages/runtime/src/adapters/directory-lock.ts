/**
 * One process per data directory. Node has no file locks, so a file `LOCK` names its holder: process id and, where
 * /proc tells it, the time at which that process started, since ids are used again. A holder that is gone (kill -9, power
 * loss) is told by that, and its lock taken over. This guards against a mistake of the operator; on volumes that are
 * shared between machines or containers, which do not see each other's processes, it does not help.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { QuorumError } from "@quorumfs/core";

const fileName = "LOCK";

/** Directories that this very process holds; its own id in a lock file would otherwise look stale or alive at random. */
const held = new Set<string>();

/**
 * Makes the directory, if need be, and takes its lock.
 *
 * @returns releases the lock
 * @throws QuorumError `unavailable`, naming the process that holds it
 */
export function lockDirectory(directory: string): () => void {
  try {
    mkdirSync(directory, { recursive: true });
  } catch (cause) {
    throw cannotUse(directory, cause);
  }
  if (held.has(directory)) throw inUse(directory, process.pid);
  const path = join(directory, fileName);
  const own = `${path}.${process.pid}`;
  try {
    // Linked into place, so that whoever sees the lock sees it whole.
    writeFileSync(own, `${process.pid} ${startOf(process.pid)}\n`);
    if (!tryLink(own, path)) takeOver({ directory, path, own });
  } catch (cause) {
    throw cause instanceof QuorumError ? cause : cannotUse(directory, cause);
  } finally {
    rmSync(own, { force: true });
  }
  held.add(directory);
  return () => {
    if (held.delete(directory)) rmSync(path, { force: true });
  };
}

function takeOver({ directory, path, own }: { directory: string; path: string; own: string }): void {
  refuseIfHeld(directory, path);
  // Of several processes that found the same stale lock only one can rename it; what it got is looked at once more.
  const stale = `${own}.stale`;
  renameSync(path, stale);
  try {
    refuseIfHeld(directory, stale);
  } catch (error) {
    tryLink(stale, path);
    throw error;
  } finally {
    rmSync(stale, { force: true });
  }
  if (!tryLink(own, path)) refuseIfHeld(directory, path);
}

function refuseIfHeld(directory: string, path: string): void {
  const [pid = "", start = ""] = readFileSync(path, "utf8").trim().split(" ");
  if (isAlive(Number(pid), start)) throw inUse(directory, Number(pid));
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

function isAlive(pid: number, start: string): boolean {
  if (!Number.isInteger(pid) || pid < 1 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) === "ESRCH") return false;
  }
  return startOf(pid) === start;
}

/** When a process started, in ticks since boot; `-` for all where /proc does not exist, `gone` for one that has ended. */
function startOf(pid: number): string {
  try {
    // The second field, the command in parentheses, may contain anything; behind it come the state and, 20th, the start.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // Killed, and not yet waited for by its parent: it holds nothing any more.
    return fields[0] === "Z" || fields[0] === "X" ? "gone" : (fields[19] ?? "-");
  } catch {
    return "-";
  }
}

function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}

function inUse(directory: string, pid: number): QuorumError {
  return new QuorumError({
    code: "unavailable",
    message: `${directory} is in use by process ${pid}; stop it or choose another --data-dir`,
  });
}

function cannotUse(directory: string, cause: unknown): QuorumError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new QuorumError({ code: "unavailable", message: `cannot use ${directory}: ${reason}`, cause });
}
