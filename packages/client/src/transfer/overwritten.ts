/**
 * The chunks of a version go some minutes after a newer one has taken its place. To whoever is still reading the old one, this
 * looks like damage: nobody has them. Only the file's present version tells the two apart.
 */
import { QuorumError } from "@quorumfs/core";
import type { FileCalls } from "../file-calls.js";
import type { FileInfo } from "../file-info.js";

/**
 * @param file the version that could not be read
 * @returns `error`, unless it is of damage and the file has another version by now, or none: `unavailable` then
 */
export async function overwrittenOr(
  calls: Pick<FileCalls, "stat">,
  file: Pick<FileInfo, "name" | "version">,
  reading: { readonly error: QuorumError; readonly timeoutMs: number },
): Promise<QuorumError> {
  const { error, timeoutMs } = reading;
  if (error.code !== "corrupt") return error;
  const now = await versionNow(calls, file.name, timeoutMs);
  if (now === undefined || now === file.version) return error;
  const message = `${file.name} was ${now === 0 ? "deleted" : "overwritten"} while it was being read, and its old content is gone; read it again`;
  return new QuorumError({ code: "unavailable", message, details: error.details, cause: error });
}

/** @returns 0 if there is no such file; undefined if that cannot be found out */
async function versionNow(
  calls: Pick<FileCalls, "stat">,
  name: string,
  timeoutMs: number,
): Promise<number | undefined> {
  try {
    return (await calls.stat(name, { timeoutMs })).file.version;
  } catch (thrown) {
    return QuorumError.from(thrown).code === "not_found" ? 0 : undefined;
  }
}
