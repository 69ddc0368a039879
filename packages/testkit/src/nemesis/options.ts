import { QuorumError } from "@quorumfs/core";

export const faultNames = [
  "kill",
  "pause",
  "partition",
  "one-way",
  "slow",
  "disk-full",
  "bit-flip",
  "lose-disk",
  "join",
  "drain",
  "supernode",
] as const;
export type FaultName = (typeof faultNames)[number];

export interface NemesisConfig {
  readonly minutes: number;
  readonly faults: readonly FaultName[];
  readonly seed: number;
  /** DataNodes at first. */
  readonly nodes: number;
  /** N. */
  readonly replicas: number;
  readonly zones: readonly string[];
  readonly clients: number;
  readonly operationsPerSecond: number;
  /** Where report.html and report.json go; undefined: nowhere. */
  readonly reportDir: string | undefined;
  /** Where the table goes as Markdown; undefined: nowhere. */
  readonly markdown: string | undefined;
  readonly json: boolean;
  readonly keep: boolean;
}

/** The flags of the command line, by name. */
export const settings = {
  minutes: { type: "number", default: 10, describe: "How long faults are injected; each kind comes at least once" },
  faults: {
    type: "string",
    default: faultNames.join(","),
    describe: "Kinds of faults, separated by commas",
  },
  seed: { type: "number", describe: "Chooses faults and operations", defaultDescription: "random; printed" },
  nodes: { type: "number", default: 5, describe: "DataNodes at first; join and drain change that" },
  replicas: { type: "number", default: 3, describe: "N, DataNodes that hold a file" },
  zones: { type: "string", default: "a,b,c", describe: "Zones that the DataNodes are put into in turn" },
  clients: { type: "number", default: 3, describe: "Client processes" },
  "ops-rate": { type: "number", default: 120, describe: "Operations a second of all clients together" },
  report: { type: "string", describe: "Directory that gets report.html and report.json" },
  markdown: {
    type: "string",
    describe: "File that gets the table of faults; docs/RELIABILITY.md gets it in its place",
  },
  json: { type: "boolean", default: false, describe: "Print the report as JSON on stdout instead of a table" },
  keep: { type: "boolean", default: false, describe: "Leave logs and data; a violation always leaves them" },
} as const;

/** What the flags hold once they are parsed. */
export interface SettingValues {
  readonly minutes: number;
  readonly faults: string;
  readonly seed?: number | undefined;
  readonly nodes: number;
  readonly replicas: number;
  readonly zones: string;
  readonly clients: number;
  readonly "ops-rate": number;
  readonly report?: string | undefined;
  readonly markdown?: string | undefined;
  readonly json: boolean;
  readonly keep: boolean;
}

/**
 * @param randomSeed taken if no seed was given
 * @throws QuorumError `invalid_argument`
 */
export function nemesisConfig(values: SettingValues, randomSeed: number): NemesisConfig {
  const { minutes, nodes, replicas } = values;
  if (!(minutes > 0 && minutes <= 24 * 60)) throw invalid("--minutes must be above 0 and at most 1440, a day");
  if (!(values["ops-rate"] > 0 && values["ops-rate"] <= 5_000)) {
    throw invalid("--ops-rate must be above 0 and at most 5000: the load is to meet faults, not to be one");
  }
  return {
    minutes,
    faults: faultsOf(values.faults),
    seed: values.seed === undefined ? randomSeed : whole("--seed", values.seed, { min: 0, max: 2 ** 32 - 1 }),
    // One may be away at any time, and what it holds must find another place.
    nodes: whole("--nodes", nodes, { min: replicas, max: 12 }),
    replicas: whole("--replicas", replicas, { min: 3, max: 7 }),
    zones: listOf(values.zones),
    clients: whole("--clients", values.clients, { min: 1, max: 16 }),
    operationsPerSecond: values["ops-rate"],
    reportDir: values.report,
    markdown: values.markdown,
    json: values.json,
    keep: values.keep,
  };
}

function faultsOf(text: string): readonly FaultName[] {
  const wanted = listOf(text);
  for (const name of wanted) {
    if (!faultNames.some((known) => known === name)) {
      throw invalid(`there is no fault ${JSON.stringify(name)}; there are ${faultNames.join(", ")}`);
    }
  }
  const faults = faultNames.filter((name) => wanted.includes(name));
  if (faults.length === 0) throw invalid("--faults is empty");
  return faults;
}

function listOf(text: string): readonly string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function whole(flag: string, value: number, range: { readonly min: number; readonly max: number }): number {
  if (Number.isInteger(value) && value >= range.min && value <= range.max) return value;
  throw invalid(`${flag} must be a whole number from ${range.min} to ${range.max}`);
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
