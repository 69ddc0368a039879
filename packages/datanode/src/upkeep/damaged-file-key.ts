import type { DamagedFile } from "../replica/file-table.js";
import { bucketOfKey, pathOfKey } from "../replica/record-key.js";

const shortestKeyBytes = 5;

/** The file whose record's key this is. @returns undefined if it is the key of none: what else may be on a bad disk */
export function fileOfKey(key: Buffer): DamagedFile | undefined {
  if (key.length < shortestKeyBytes || key.readUInt32BE(0) === 0) return undefined;
  return { bucket: bucketOfKey(key), path: pathOfKey(key) };
}
