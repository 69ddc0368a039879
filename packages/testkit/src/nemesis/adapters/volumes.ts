/** Small volumes of memory that a disk can be full of without anybody else's being so. Linux, where mounting is allowed. */
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { QuorumError } from "@quorumfs/core";

const ballastFile = ".ballast";

/** @returns undefined if it is, else why not, for people */
export async function whyNoVolumes(): Promise<string | undefined> {
  const directory = await mkdtemp(join(tmpdir(), "quorumfs-mount-"));
  try {
    await mountVolume(directory, 2 ** 20);
    await unmountVolume(directory);
    return undefined;
  } catch (thrown) {
    return QuorumError.from(thrown).message;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export async function mountVolume(path: string, bytes: number): Promise<void> {
  await mkdir(path, { recursive: true });
  await run("mount", ["-t", "tmpfs", "-o", `size=${bytes},mode=0700`, "quorumfs-nemesis", path]);
}

export async function unmountVolume(path: string): Promise<void> {
  await run("umount", ["-l", path]);
}

/** Fills a volume up until only so much of it is free. */
export async function fillVolume(path: string, freeBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(path);
  const bytes = bavail * bsize - freeBytes;
  if (bytes <= 0) return;
  const block = Buffer.alloc(Math.min(bytes, 2 ** 20));
  try {
    await writeFile(join(path, ballastFile), blocks(block, bytes));
  } catch (cause) {
    // Others write too: it is as full as it can be.
    if (!(cause instanceof Error && "code" in cause && cause.code === "ENOSPC")) throw cause;
  }
}

function* blocks(block: Buffer, bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= block.length) yield block.subarray(0, Math.min(left, block.length));
}

export async function freeVolume(path: string): Promise<void> {
  await rm(join(path, ballastFile), { force: true });
}

function run(command: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
    child.once("error", (cause) => reject(failure(command, cause.message)));
    child.once("close", (code) => (code === 0 ? resolve() : reject(failure(command, said.trim()))));
  });
}

function failure(command: string, reason: string): QuorumError {
  return new QuorumError({ code: "unavailable", message: `${command}: ${reason}` });
}
