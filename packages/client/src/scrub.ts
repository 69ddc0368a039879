import { type Channel, QuorumError } from "@quorumfs/core";
import { MaintenanceServiceService, ScrubState, type ScrubStatus } from "@quorumfs/proto";
import { wallDate } from "./adapters/wall-date.js";
import type { NodeScrub, ScrubInfo } from "./cluster-info.js";
import { callWith, type MaintenanceOptions, type StartScrubOptions } from "./options.js";
import type { Scrub } from "./quorumfs.js";
import { required, toDamageInfo } from "./wire.js";

type CallOptions = ReturnType<typeof callWith>;
type AskNode = (channel: Channel, call: CallOptions) => Promise<{ readonly status?: ScrubStatus | undefined }>;

/** The DataNodes of the cluster by id, with a way to each. */
export type MaintainedNodes = () => ReadonlyMap<number, { readonly channel: Channel }>;

/** The maintenance of DataNodes, which is each one's own. */
export function scrubOf(nodes: MaintainedNodes): Scrub {
  const ask = async (options: MaintenanceOptions, call: AskNode): Promise<readonly NodeScrub[]> => {
    const known = nodes();
    const ids = options.nodes ?? [...known.keys()];
    const missing = ids.find((id) => !known.has(id));
    if (missing !== undefined) throw invalid(`the cluster has no DataNode ${missing}`);
    const answers = ids.map(async (node): Promise<NodeScrub> => {
      try {
        const { channel } = required(known.get(node), "node");
        return { node, scrub: toScrubInfo(required((await call(channel, callWith(options))).status, "status")) };
      } catch (thrown) {
        return { node, error: QuorumError.from(thrown) };
      }
    });
    return (await Promise.all(answers)).sort((a, b) => a.node - b.node);
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
