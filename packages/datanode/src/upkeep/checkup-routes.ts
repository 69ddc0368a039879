import { type Clock, QuorumError, type Route, unaryRoute } from "@quorumfs/core";
import { MaintenanceServiceService } from "@quorumfs/proto";
import type { DiskProbe, ProcessFacts } from "@quorumfs/runtime";

/** What people and their tools may ask of the machine that a DataNode runs on. */
export interface Checkup {
  readonly processFacts: () => ProcessFacts;
  readonly diskProbe: DiskProbe;
}

const filesDefault = 20;
const filesMax = 100;

/** MaintenanceService: DescribeProcess, ProbeDisk. Answered also while the cluster is forming. */
export function checkupRoutes(checkup: Checkup | undefined, clock: Clock): readonly Route[] {
  return [
    unaryRoute(MaintenanceServiceService.describeProcess, async () => ({
      process: { wallMs: clock.wallMs(), ...(checkup?.processFacts() ?? nothingKnown) },
    })),
    unaryRoute(MaintenanceServiceService.probeDisk, async ({ files }) => {
      if (files > filesMax) {
        throw new QuorumError({ code: "invalid_argument", message: `files must be ${filesMax} at most, got ${files}` });
      }
      if (!checkup) throw new QuorumError({ code: "unavailable", message: "this DataNode cannot measure its disk" });
      const tookMs = await checkup.diskProbe.measure(files || filesDefault);
      return { tookUs: tookMs.map((ms) => Math.round(ms * 1000)) };
    }),
  ];
}

const nothingKnown: ProcessFacts = { runtimeVersion: "", filesOpen: 0, filesMax: 0 };
