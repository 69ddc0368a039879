/** What a run needs of the machine that it runs on. */
import { createHash } from "node:crypto";
import type { Clock, Random } from "@quorumfs/core";
import { temporaryDirectory } from "@quorumfs/local-cluster";
import { machineClock, seededDraw } from "@quorumfs/workload-generator";
import type { ClientTask, FromClient } from "../load/messages.js";
import { type ClientChild, startClientChild } from "./client-child.js";
import { canFindProcesses } from "./connecting-process.js";
import { type Disks, disks } from "./flip-bits.js";
import { whyNoVolumes } from "./volumes.js";
import { startWatchdog, type Watchdog } from "./watchdog.js";

export interface Machine {
  readonly clock: Clock;
  readonly canFindProcesses: boolean;
  readonly disks: Disks;
  readonly watchdog: Watchdog;
  /** Undefined: small volumes can be mounted. */
  whyNoVolumes(): Promise<string | undefined>;
  /** A new directory of our own, removed with this process at the latest unless it is kept. */
  workspace(): Promise<{ readonly path: string; close(keep: boolean): Promise<void> }>;
  startClient(task: ClientTask, onMessage: (message: FromClient) => void): ClientChild;
  seededRandom(seed: number): Random;
  /** SHA-256 in hexadecimal. */
  hash(bytes: Uint8Array): string;
  isoTime(wallMs: number): string;
  /** Ends whatever is left. Idempotent. */
  close(): Promise<void>;
}

export function thisMachine(): Machine {
  const watchdog = startWatchdog();
  return {
    clock: machineClock(),
    canFindProcesses: canFindProcesses(),
    disks,
    watchdog,
    whyNoVolumes,
    workspace: async () => {
      const directory = await temporaryDirectory("quorumfs-nemesis-");
      watchdog.add("directory", directory.path);
      return {
        path: directory.path,
        close: async (keep) => {
          watchdog.remove("directory", directory.path);
          if (keep) directory.keep();
          else await directory.remove();
        },
      };
    },
    startClient: (task, onMessage) => startClientChild({ task, watchdog, onMessage }),
    seededRandom: (seed) => {
      const draw = seededDraw(seed);
      return { fraction: draw, bytes: (length) => Uint8Array.from({ length }, () => Math.floor(draw() * 256)) };
    },
    hash: (bytes) => createHash("sha256").update(bytes).digest("hex"),
    isoTime: (wallMs) => new Date(wallMs).toISOString(),
    close: () => watchdog.close(),
  };
}
