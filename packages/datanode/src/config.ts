import { QuorumError } from "@quorumfs/core";
import type { AdmissionLimits } from "./admission.js";
import { tombstoneGraceMsDefault } from "./collection/tombstone-collector.js";
import { ownersPerSecondDefault } from "./content/owner-checks.js";
import { voteTimeoutMsDefault } from "./coordinator/vote-links.js";
import { compareEveryMsDefault } from "./sync/catch-up.js";
import { scrubPeriodMsDefault } from "./upkeep/scrub.js";

/** What a DataNode can be told. */
export interface DataNodeConfig {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** host:port under which the others reach this node; empty: where it listens. */
  readonly advertise: string;
  /** host:port of the SuperNode. */
  readonly supernode: string;
  /** The id to ask for at the first start; 0 takes what the SuperNode gives. */
  readonly nodeId: number;
  /** Asks the cluster again whether it takes this node's store, if it has refused that for good before. */
  readonly forgiveStore: boolean;
  /** Where this node stands: files go to as many different zones as there are. */
  readonly zone: string;
  /** This node's share of the files, relative to the others'; 0: the size of the volume. */
  readonly capacityBytes: number;
  /** A replica that has not answered a vote by then counts as failed for this vote. */
  readonly voteTimeoutMs: number;
  /** How often everything on this node is read and checked, from start to start; 0: only when somebody asks for it. */
  readonly scrubPeriodMs: number;
  /** How long an upload is kept that no version names, since its last chunk or renewal. */
  readonly uploadLeaseMs: number;
  /** How long a chunk stays readable that no version needs any more, since it was last read. */
  readonly retireAfterMs: number;
  /** Share of the volume: with less free, new content goes elsewhere. */
  readonly fullBelow: number;
  /** How many files the background checks of who owns chunks look at. */
  readonly ownersPerSecond: number;
  /** How many records this node fetches at most when it catches up with other replicas. */
  readonly catchUpRecordsPerSecond: number;
  /** How many bytes of their contents. */
  readonly catchUpBytesPerSecond: number;
  /** How often replicas are compared while nothing happens. */
  readonly compareEveryMs: number;
  /** How old a tombstone is at least when it is collected. */
  readonly tombstoneGraceMs: number;
  readonly limits: AdmissionLimits;
}

const dayMs = 86_400_000;

/** An upload that was interrupted in the evening can be resumed the next day. */
const uploadLeaseMsDefault = dayMs;
/** Between two chunks that it reads from one upload here, a download takes seconds, if it is slow. */
const retireAfterMsDefault = 600_000;
/** Room for records, repairs and what is written while others find out that this node is full. */
const fullBelowDefault = 0.05;

/** A node that was away for an hour of a busy day is back within minutes, and takes a third of a core for it. */
const catchUpRecordsPerSecondDefault = 4000;
const catchUpBytesPerSecondDefault = 64 * 1024 * 1024;

// 4,096 operations of 1 KiB are a tenth of a second's work at full load; of 128 KiB they would be 512 MiB, hence bytes too.
const limitsDefault: AdmissionLimits = { operationsMax: 4096, contentBytesMax: 64 * 1024 * 1024 };

const zonePattern = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * Fills in the defaults and checks what was given, once.
 *
 * @throws QuorumError `invalid_argument`
 */
export function dataNodeConfig(given: Partial<DataNodeConfig> & { readonly supernode: string }): DataNodeConfig {
  const config: DataNodeConfig = {
    host: "127.0.0.1",
    port: 0,
    advertise: "",
    nodeId: 0,
    forgiveStore: false,
    zone: "default",
    capacityBytes: 0,
    voteTimeoutMs: voteTimeoutMsDefault,
    scrubPeriodMs: scrubPeriodMsDefault,
    uploadLeaseMs: uploadLeaseMsDefault,
    retireAfterMs: retireAfterMsDefault,
    fullBelow: fullBelowDefault,
    ownersPerSecond: ownersPerSecondDefault,
    catchUpRecordsPerSecond: catchUpRecordsPerSecondDefault,
    catchUpBytesPerSecond: catchUpBytesPerSecondDefault,
    compareEveryMs: compareEveryMsDefault,
    tombstoneGraceMs: tombstoneGraceMsDefault,
    limits: limitsDefault,
    ...given,
  };
  requireWhole("port", config.port, { min: 0, max: 65_535 });
  requireWhole("node id", config.nodeId, { min: 0, max: 0xffff_ffff });
  requireWhole("capacity", config.capacityBytes, { min: 0, max: Number.MAX_SAFE_INTEGER });
  requireWhole("vote timeout in ms", config.voteTimeoutMs, { min: 10, max: 60_000 });
  // Back to back is of no use, and more than a year is never.
  if (config.scrubPeriodMs !== 0) {
    requireWhole("scrub period in ms", config.scrubPeriodMs, { min: 1000, max: 366 * dayMs });
  }
  requireWhole("lease of uploads in ms", config.uploadLeaseMs, { min: 1000, max: 366 * dayMs });
  requireWhole("time until retired chunks go in ms", config.retireAfterMs, { min: 0, max: 366 * dayMs });
  if (!(config.fullBelow >= 0 && config.fullBelow < 1)) {
    throw invalid(`the share of the volume that is kept free is 0 or more, and below 1, got ${config.fullBelow}`);
  }
  requireWhole("rate of owner checks per second", config.ownersPerSecond, { min: 1, max: 10_000 });
  requireWhole("records per second of catching up", config.catchUpRecordsPerSecond, { min: 1, max: 1_000_000 });
  requireWhole("bytes per second of catching up", config.catchUpBytesPerSecond, { min: 1024, max: 2 ** 40 });
  requireWhole("time between comparisons in ms", config.compareEveryMs, { min: 100, max: dayMs });
  requireWhole("age of tombstones in ms", config.tombstoneGraceMs, { min: 100, max: 366 * dayMs });
  requireWhole("limit of operations", config.limits.operationsMax, { min: 1, max: 1_000_000 });
  requireWhole("limit of content bytes", config.limits.contentBytesMax, { min: 1, max: Number.MAX_SAFE_INTEGER });
  requireAddress("SuperNode's address", config.supernode);
  if (config.advertise !== "") requireAddress("advertised address", config.advertise);
  if (config.advertise === "" && isWildcard(config.host)) {
    throw invalid(`others cannot reach ${config.host}; say with --advertise HOST:PORT under which name they can`);
  }
  if (!zonePattern.test(config.zone)) {
    throw invalid(`zone ${JSON.stringify(config.zone)} is not allowed: up to 64 letters, digits, dots, hyphens`);
  }
  return config;
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::" || host === "";
}

function requireAddress(what: string, address: string): void {
  const port = Number(/^(?:\[[0-9a-fA-F:.]+\]|[^:\s/]+):(\d{1,5})$/.exec(address)?.[1]);
  if (port >= 1 && port <= 65_535) return;
  throw invalid(`the ${what} is written HOST:PORT, got ${JSON.stringify(address)}`);
}

function requireWhole(what: string, value: number, range: { readonly min: number; readonly max: number }): void {
  if (Number.isInteger(value) && value >= range.min && value <= range.max) return;
  throw invalid(`the ${what} is a whole number from ${range.min} to ${range.max}, got ${value}`);
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
