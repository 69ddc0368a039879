import { checkQuorum, partitionCount, QuorumError } from "@quorumfs/core";

/** What a SuperNode can be told. */
export interface SuperNodeConfig {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** N, how many DataNodes hold a file: fixed when the cluster is made. 0: what it was made with, 3 for a new one. */
  readonly replicas: number;
  /** How many partitions the files are spread over: fixed when the cluster is made. Fewer cost less, and spread worse. */
  readonly partitions: number;
  /** DataNodes that must have joined before files are spread over them; 0: as many as replicas. */
  readonly initialNodes: number;
  /** A DataNode that has not been heard for so long is suspect. */
  readonly suspectAfterMs: number;
  /** A DataNode that has not been heard for so long is down. */
  readonly downAfterMs: number;
  /** A DataNode that is down for so long is planned out of the layout, if enough others live; 0: never. */
  readonly deadAfterMs: number;
  /** host:port of DataNodes from whose memory the store is made anew, if it knows less than they do; empty: not at all. */
  readonly reseedFrom: readonly string[];
  /** How often watchers hear of loads. */
  readonly loadsEveryMs: number;
  /** How long deleting a bucket waits for the DataNodes to learn of it. */
  readonly deletionTimeoutMs: number;
}

/** More DataNodes than the design aims at; it bounds the cluster that every watcher gets. */
export const nodesMax = 1000;

/** N of a new cluster: survives the loss of one node. */
export const replicasDefault = 3;

/**
 * Fills in the defaults and checks what was given, once.
 *
 * @throws QuorumError `invalid_argument`
 */
export function superNodeConfig(given: Partial<SuperNodeConfig> = {}): SuperNodeConfig {
  const config: SuperNodeConfig = {
    host: "127.0.0.1",
    port: 0,
    replicas: 0,
    partitions: partitionCount,
    initialNodes: 0,
    // Two beats of half a second, and then some: one late beat is no news.
    suspectAfterMs: 1000,
    // With the time until a beat is missed, a dead node is known within 3 s.
    downAfterMs: 2500,
    // Long enough for a machine to start anew; what moves meanwhile moves for nothing.
    deadAfterMs: 15 * 60_000,
    reseedFrom: [],
    loadsEveryMs: 1000,
    deletionTimeoutMs: 10_000,
    ...given,
  };
  requireWhole("port", config.port, { min: 0, max: 65_535 });
  requireWhole("number of partitions", config.partitions, { min: 1, max: partitionCount });
  requireWhole("number of initial nodes", config.initialNodes, { min: 0, max: nodesMax });
  requireWhole("time until a node is suspect, in ms,", config.suspectAfterMs, { min: 1, max: 60_000 });
  requireWhole("time until a node is down, in ms,", config.downAfterMs, { min: config.suspectAfterMs, max: 600_000 });
  requireWhole("time until a node is dead, in ms,", config.deadAfterMs, { min: 0, max: 30 * 24 * 3_600_000 });
  if (config.deadAfterMs !== 0 && config.deadAfterMs < config.downAfterMs) {
    throw invalid(`a node is dead no sooner than it is down, after ${config.downAfterMs} ms`);
  }
  requireWhole("interval of loads in ms", config.loadsEveryMs, { min: 1, max: 60_000 });
  requireWhole("timeout of deletions in ms", config.deletionTimeoutMs, { min: 1, max: 600_000 });
  if (config.replicas !== 0) checkQuorum({ replicas: config.replicas, read: config.replicas, write: config.replicas });
  if (config.initialNodes !== 0 && config.initialNodes < config.replicas) {
    throw invalid(`${config.initialNodes} DataNodes cannot hold ${config.replicas} replicas of a file`);
  }
  return config;
}

function requireWhole(what: string, value: number, range: { readonly min: number; readonly max: number }): void {
  if (Number.isInteger(value) && value >= range.min && value <= range.max) return;
  throw invalid(`the ${what} is a whole number from ${range.min} to ${range.max}, got ${value}`);
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
