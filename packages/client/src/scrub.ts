import { type Channel, QuorumError } from "@quorumfs/core";
import { MaintenanceServiceService, ScrubState, type ScrubStatus } from "@quorumfs/proto";
import { wallDate } from "./adapters/wall-date.js";
import { askNodes, type MaintainedNodes } from "./cluster/ask-nodes.js";
import type { NodeScrub, ScrubInfo } from "./cluster-info.js";
import type { callWith, MaintenanceOptions, StartScrubOptions } from "./options.js";
import type { Scrub } from "./quorumfs.js";
import { required, toDamageInfo } from "./wire.js";

type CallOptions = ReturnType<typeof callWith>;
type AskNode = (channel: Channel, call: CallOptions) => Promise<{ readonly status?: ScrubStatus | undefined }>;

/** The maintenance of DataNodes, which is each one's own. */
export function scrubOf(nodes: MaintainedNodes): Scrub {
  const ask = async (options: MaintenanceOptions, call: AskNode): Promise<readonly NodeScrub[]> => {
    const answers = await askNodes(nodes, options, async (channel, callOptions) =>
      toScrubInfo(required((await call(channel, callOptions)).status, "status")),
    );
    return answers.map(({ node, answer, error }): NodeScrub => (error ? { node, error } : { node, scrub: answer }));
  };
  return {
    start: async (options: StartScrubOptions = {}) => {
      const { bytesPerSecond = 0, restart = false } = options;
      if (!Number.isSafeInteger(bytesPerSecond) || bytesPerSecond < 0) {
        throw invalid(`bytesPerSecond must be a whole number of bytes, got ${bytesPerSecond}`);
      }
      return ask(options, (channel, call) =>
        channel.unary(MaintenanceServiceService.startScrub, { bytesPerSecond, restart }, call),
      );
    },
    pause: (options = {}) =>
      ask(options, (channel, call) => channel.unary(MaintenanceServiceService.pauseScrub, {}, call)),
    status: (options = {}) =>
      ask(options, (channel, call) => channel.unary(MaintenanceServiceService.getScrub, {}, call)),
  };
}

function toScrubInfo(status: ScrubStatus): ScrubInfo {
  const { passStartedAtMs, passEndedAtMs } = status;
  return {
    state: toState(status.state),
    passStartedAt: passStartedAtMs === 0 ? undefined : wallDate(passStartedAtMs),
    passEndedAt: passEndedAtMs === 0 ? undefined : wallDate(passEndedAtMs),
    bytesPerSecond: status.bytesPerSecond,
    recordsChecked: status.recordsChecked,
    chunksChecked: status.chunksChecked,
    bytesChecked: status.bytesChecked,
    bytesTotal: status.bytesTotal,
    damage: toDamageInfo(status.damage),
  };
}

function toState(state: ScrubState): ScrubInfo["state"] {
  switch (state) {
    case ScrubState.SCRUB_STATE_RUNNING:
      return "running";
    case ScrubState.SCRUB_STATE_PAUSED:
      return "paused";
    case ScrubState.SCRUB_STATE_IDLE:
    case ScrubState.SCRUB_STATE_UNSPECIFIED:
    case ScrubState.UNRECOGNIZED:
      return "idle";
  }
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
