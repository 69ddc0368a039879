import { QuorumError } from "@quorumfs/core";
import type { Settings } from "@quorumfs/runtime";

/** The conditions of a mutation, as flags. */
export const conditionOptions = {
  "if-version": { type: "number", describe: "Only if the file has this version", requiresArg: true },
  "if-match": { type: "string", describe: "Only if the content has this etag (SHA-256)", requiresArg: true },
} satisfies Settings;

/** @throws QuorumError `invalid_argument` */
export function conditionsOf(values: { "if-version"?: number | undefined; "if-match"?: string | undefined }): {
  readonly ifVersion?: number;
  readonly ifMatch?: string;
} {
  const { "if-version": ifVersion, "if-match": ifMatch } = values;
  if (ifVersion !== undefined && (!Number.isSafeInteger(ifVersion) || ifVersion < 1)) {
    throw new QuorumError({
      code: "invalid_argument",
      message: "--if-version must be a whole number from 1; for a file that must not exist use --if-absent",
    });
  }
  return { ...(ifVersion === undefined ? {} : { ifVersion }), ...(ifMatch === undefined ? {} : { ifMatch }) };
}

/** A version or an etag is that of one file. */
export function requireOneFile(options: { conditions: object; isMany: boolean }): void {
  if (!options.isMany || Object.keys(options.conditions).length === 0) return;
  throw new QuorumError({ code: "invalid_argument", message: "--if-version and --if-match go with one file only" });
}
