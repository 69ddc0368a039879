import { checkQuorum, completeQuorum, QuorumError } from "@quorumfs/core";
import type { LogLevel } from "@quorumfs/runtime";

/** What `quorumfs-local` is told. */
export interface LocalConfig {
  readonly nodes: number;
  readonly replicas: number;
  readonly host: string;
  readonly port: number;
  /** Undefined: the system's directory for temporary files. */
  readonly dataDir: string | undefined;
  /** DataNodes are put into these in turn; empty: all into one. */
  readonly zones: readonly string[];
  /** Data goes into a new directory below `dataDir`, removed at the end. */
  readonly ephemeral: boolean;
  readonly logLevel: LogLevel;
  /** Of the console, or the next free one; undefined: none. */
  readonly consolePort: number | undefined;
}

export interface LocalSettings {
  readonly nodes: number;
  readonly replicas: number | undefined;
  readonly host: string;
  readonly port: number;
  readonly dataDir: string | undefined;
  /** Separated by commas. */
  readonly zones: string;
  readonly ephemeral: boolean;
  readonly logLevel: LogLevel;
  /** A number, or `off`. Undefined: beside the SuperNode's. */
  readonly consolePort: string | undefined;
}

/** The SuperNode's default port is 7000, its console's 7080. */
const consolePortAbove = 80;

/** More processes than this on one machine measure the machine. */
const nodesMax = 50;
const portMax = 65_535;
export const defaultDataDir = "data";

/** @throws QuorumError `invalid_argument` */
export function checkLocalSettings(settings: LocalSettings): LocalConfig {
  const { nodes, host, port, dataDir, ephemeral, logLevel } = settings;
  requireWhole({ flag: "--nodes", value: nodes, min: 1, max: nodesMax });
  requireWhole({ flag: "--port", value: port, min: 1, max: portMax - nodes });
  const replicas = settings.replicas ?? Math.min(3, nodes);
  checkQuorum(completeQuorum({ replicas }));
  if (replicas > nodes) {
    throw invalid(`--replicas ${replicas} needs as many DataNodes; there are ${nodes}, so raise --nodes`);
  }
  const keptDir = ephemeral ? undefined : defaultDataDir;
  const zones = settings.zones.split(",").map((zone) => zone.trim());
  const named = zones.filter((zone) => zone !== "");
  const consolePort = consolePortOf(settings.consolePort, port);
  return { nodes, replicas, host, port, dataDir: dataDir ?? keptDir, zones: named, ephemeral, logLevel, consolePort };
}

function consolePortOf(text: string | undefined, port: number): number | undefined {
  if (text === undefined) return Math.min(port + consolePortAbove, portMax);
  if (text === "off") return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > portMax) throw invalid(`--console-port must be a number up to ${portMax}, or off`);
  return value;
}

function requireWhole(options: { flag: string; value: number; min: number; max: number }): void {
  const { flag, value, min, max } = options;
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw invalid(`${flag} must be a whole number from ${min} to ${max}`);
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
