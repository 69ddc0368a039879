import { QuorumError } from "@quorumfs/core";
import { parseDuration, type Settings } from "@quorumfs/runtime/lean";
import type { InferredOptionTypes } from "yargs";

export type OutputFormat = "table" | "json" | "jsonl";

const parallelMax = 256;

/** What every command takes, and environment and file may set. */
export const commonSettings = {
  endpoint: {
    alias: "e",
    type: "string",
    array: true,
    describe: "SuperNode, as HOST:PORT; several are tried in turn",
    default: ["127.0.0.1:7000"],
    requiresArg: true,
  },
  timeout: {
    type: "string",
    describe: "Deadline of each operation, retries included; of large content, the longest time without progress",
    default: "30s",
    requiresArg: true,
  },
  output: {
    alias: "o",
    choices: ["table", "json", "jsonl"] as const,
    describe: "For people (table) or for programs",
    default: "table" as const,
    requiresArg: true,
  },
  consistency: {
    choices: ["linearizable", "relaxed"] as const,
    describe: "Of reads: the newest version, or one replica's word",
    default: "linearizable" as const,
    requiresArg: true,
  },
  parallel: {
    type: "number",
    describe: `Files under way at once, 1 to ${parallelMax}`,
    default: 16,
    requiresArg: true,
  },
} satisfies Settings;

export interface CommonConfig {
  readonly endpoints: readonly string[];
  readonly timeoutMs: number;
  readonly output: OutputFormat;
  readonly consistency: "linearizable" | "relaxed";
  readonly parallel: number;
}

/** @throws QuorumError `invalid_argument` */
export function commonConfigOf(values: InferredOptionTypes<typeof commonSettings>): CommonConfig {
  for (const [flag, value] of Object.entries(values)) {
    // yargs makes a list of a flag that is given twice.
    if (flag !== "endpoint" && Array.isArray(value) && flag in commonSettings) throw invalid(`give --${flag} once`);
  }
  const { endpoint, timeout, output, consistency, parallel } = values;
  if (!Number.isInteger(parallel) || parallel < 1 || parallel > parallelMax) {
    throw invalid(`--parallel must be a whole number from 1 to ${parallelMax}`);
  }
  const endpoints = endpoint.flatMap((text) => text.split(",")).map((text) => text.trim());
  return { endpoints, timeoutMs: parseDuration(timeout), output, consistency, parallel };
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
