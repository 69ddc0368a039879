import { type Route, unaryRoute } from "@quorumfs/core";
import { type DamageCounts, MaintenanceServiceService, ScrubState, type ScrubStatus } from "@quorumfs/proto";
import type { Scrub, ScrubReport } from "./scrub.js";

export interface MaintenanceRoutesOptions {
  readonly scrub: Scrub;
  readonly damage: () => DamageCounts;
}

/** MaintenanceService: StartScrub, PauseScrub, GetScrub. Each may be repeated without harm. */
export function maintenanceRoutes({ scrub, damage }: MaintenanceRoutesOptions): readonly Route[] {
  const service = MaintenanceServiceService;
  const answer = (report: ScrubReport) => ({ status: statusOf(report, damage()) });
  return [
    unaryRoute(service.startScrub, async (request) => answer(await scrub.start(request))),
    unaryRoute(service.pauseScrub, async () => answer(await scrub.pause())),
    unaryRoute(service.getScrub, async () => answer(scrub.report)),
  ];
}

const states: Readonly<Record<ScrubReport["state"], ScrubState>> = {
  running: ScrubState.SCRUB_STATE_RUNNING,
  paused: ScrubState.SCRUB_STATE_PAUSED,
  idle: ScrubState.SCRUB_STATE_IDLE,
};

function statusOf({ state, progress, bytesPerSecond }: ScrubReport, damage: DamageCounts): ScrubStatus {
  return {
    state: states[state],
    passStartedAtMs: progress.startedAtMs,
    passEndedAtMs: progress.endedAtMs,
    bytesPerSecond,
    recordsChecked: progress.records,
    chunksChecked: progress.chunks,
    bytesChecked: progress.bytes,
    bytesTotal: progress.bytesTotal,
    damage,
  };
}
