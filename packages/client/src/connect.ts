import type { Clock, Log, Network, Random } from "@quorumfs/core";

export interface ConnectOptions {
  /** `host:port` of SuperNodes; tried in turn. */
  readonly endpoints: readonly string[];
  /** How long to look for a SuperNode. Default 10,000. */
  readonly timeoutMs?: number;
  /** Ports: default to the operating system's; a simulation hands in its own. */
  readonly network?: Network;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Default: silent. Retries are logged as `operation.retried` (debug), outages as `cluster.lost` (warn). */
  readonly log?: Log;
}
