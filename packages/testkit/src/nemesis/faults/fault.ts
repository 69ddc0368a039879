import type { QuorumFs } from "@quorumfs/client";
import type { Clock } from "@quorumfs/core";
import type { Party } from "@quorumfs/local-cluster";
import type { Disks } from "../adapters/flip-bits.js";
import type { ClusterHealth } from "../bed/health.js";
import type { TestBed } from "../bed/test-bed.js";
import type { Crew } from "../load/crew.js";
import type { FaultName } from "../options.js";
import type { Dice } from "./dice.js";

/** One fault that is about to happen. */
export interface Fault {
  readonly name: FaultName;
  /** What exactly: `kill -9 of DataNode 3`. */
  readonly what: string;
  /** DataNodes that cannot be counted on while it lasts. */
  readonly impairs: readonly number[];
  /** Of these, ends of their processes are a part of it. */
  readonly mayEnd: readonly Party[];
  readonly holdMs: number;
  /** How many single faults it is; flipped bits, say. Default 1. */
  readonly count?: () => number;
  /** Resolves when it is there. */
  inject(): Promise<void>;
  /** Takes it back; what it has done must be undone by the cluster itself. Resolves when there is nothing in the way of that. */
  heal(): Promise<void>;
}

/** What faults are made with. */
export interface FaultTools {
  readonly bed: TestBed;
  readonly crew: Crew;
  readonly clients: number;
  /** Administration, and questions about the cluster. */
  readonly admin: QuorumFs;
  readonly health: ClusterHealth;
  readonly disks: Disks;
  readonly dice: Dice;
  readonly clock: Clock;
  /** What is longer in a longer run; 1 in one of many minutes. */
  readonly pace: number;
  readonly nodesAtFirst: number;
  readonly replicas: number;
}

/** What the moment allows. */
export interface Moment {
  /** DataNodes that no fault impairs now. */
  readonly sound: readonly number[];
  /** How many more of them may be impaired. */
  readonly most: number;
}

export interface FaultKind {
  readonly name: FaultName;
  /**
   * `passing`: nothing that is durable is touched. `lasting`: data or membership changes, so that one comes after the other,
   * and each is undone before the next.
   */
  readonly lane: "passing" | "lasting";
  /** How often, relative to the others of its lane. */
  readonly weight: number;
  /** Undefined: not now. */
  plan(tools: FaultTools, moment: Moment): Fault | undefined;
}
