import { QuorumError } from "@quorumfs/core";
import type { Settings } from "@quorumfs/runtime/lean";
import type { InferredOptionTypes } from "yargs";
import type { MutationOptions } from "../options.js";

/** The conditions of a mutation, as flags. */
export const conditionOptions = {
  "if-version": { type: "number", describe: "Only if the file has this version", requiresArg: true },
  "if-match": { type: "string", describe: "Only if the content has this etag (SHA-256)", requiresArg: true },
  repeat: {
    type: "string",
    describe: "Request id of the same command sent earlier, whose outcome is not known",
    requiresArg: true,
  },
} satisfies Settings;

/** The conditions and the identity of a mutation. @throws QuorumError `invalid_argument` */
export function conditionsOf(values: Partial<InferredOptionTypes<typeof conditionOptions>>): MutationOptions {
  const { "if-version": ifVersion, "if-match": ifMatch, repeat } = values;
  if (ifVersion !== undefined && (!Number.isSafeInteger(ifVersion) || ifVersion < 1)) {
    throw new QuorumError({
      code: "invalid_argument",
      message: "--if-version must be a whole number from 1; for a file that must not exist use --if-absent",
    });
  }
  return {
    ...(ifVersion === undefined ? {} : { ifVersion }),
    ...(ifMatch === undefined ? {} : { ifMatch }),
    ...(repeat === undefined ? {} : { requestId: repeat, mayHaveRun: true }),
  };
}

/** A version, an etag or a request id is that of one file. */
export function requireOneFile(options: { conditions: object; isMany: boolean }): void {
  if (!options.isMany || Object.keys(options.conditions).length === 0) return;
  throw new QuorumError({
    code: "invalid_argument",
    message: "--if-version, --if-match and --repeat go with one file only",
  });
}
