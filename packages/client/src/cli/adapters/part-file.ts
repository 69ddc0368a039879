/** What is written before it stands in its place: `.NAME.MARK.part` beside it. */
import type { FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { QuorumError } from "@quorumfs/core";
import { localError } from "./local-error.js";

// Names of files are at most 255 bytes: what is left is for the dot, the mark, and `.part`.
const nameBytesMax = 200;

export function besides(path: string, mark: string): string {
  let name = basename(path);
  while (Buffer.byteLength(name) > nameBytesMax) name = name.slice(0, -1);
  return join(dirname(path), `.${name}.${mark}.part`);
}

export function directoryInTheWay(path: string): QuorumError {
  return localError(`cannot write ${path}`, Object.assign(new Error("is a directory"), { code: "EISDIR" }));
}

/** Names the file in what goes wrong. @throws QuorumError */
export async function attempt<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw localError(`cannot write ${path}`, error);
  }
}

export async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at)).bytesWritten;
}
