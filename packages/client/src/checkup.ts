import { type Clock, QuorumError } from "@quorumfs/core";
import { AdminServiceService, MaintenanceServiceService, type ProcessFacts } from "@quorumfs/proto";
import type { NodeDisk, NodeProcess, ProcessInfo } from "./checkup-info.js";
import { askNodes, type MaintainedNodes } from "./cluster/ask-nodes.js";
import type { Control } from "./cluster/control.js";
import { callWith } from "./options.js";
import type { Checkup } from "./quorumfs.js";
import { required } from "./wire.js";

/** What one call of `disks` writes to each node at most. */
const filesMax = 100;

export interface CheckupOptions {
  readonly control: Control;
  readonly clock: Clock;
  readonly nodes: MaintainedNodes;
}

/** What the machines of a cluster are like, as each tells itself. */
export function checkupOf({ control, clock, nodes }: CheckupOptions): Checkup {
  const timed = async <Response>(ask: () => Promise<Response>, facts: (response: Response) => ProcessFacts) => {
    const sentAtMs = clock.nowMs();
    const sentAtWallMs = clock.wallMs();
    const response = await ask();
    const roundTripMs = clock.nowMs() - sentAtMs;
    return toProcessInfo(facts(response), { roundTripMs, wallMs: sentAtWallMs + roundTripMs / 2 });
  };
  return {
    superNode: (options = {}) =>
      timed(
        () => control.channel.unary(AdminServiceService.getStatus, {}, callWith(options)),
        ({ process }) => required(process, "process"),
      ),
    processes: async (options = {}) => {
      const answers = await askNodes(nodes, options, (channel, call) =>
        timed(
          () => channel.unary(MaintenanceServiceService.describeProcess, {}, call),
          ({ process }) => required(process, "process"),
        ),
      );
      return answers.map(({ node, answer, error }): NodeProcess =>
        error ? { node, error } : { node, process: answer },
      );
    },
    disks: async (options = {}) => {
      const { files = 0 } = options;
      if (!Number.isInteger(files) || files < 0 || files > filesMax) {
        throw new QuorumError({
          code: "invalid_argument",
          message: `files must be from 1 to ${filesMax}, got ${files}`,
        });
      }
      const answers = await askNodes(nodes, options, (channel, call) =>
        channel.unary(MaintenanceServiceService.probeDisk, { files }, call),
      );
      return answers.map(({ node, answer, error }): NodeDisk =>
        error ? { node, error } : { node, syncMs: answer.tookUs.map((microseconds) => microseconds / 1000) },
      );
    },
  };
}

function toProcessInfo(
  facts: ProcessFacts,
  here: { readonly roundTripMs: number; readonly wallMs: number },
): ProcessInfo {
  const { wallMs, runtimeVersion, filesOpen, filesMax: max } = facts;
  return {
    roundTripMs: here.roundTripMs,
    clockAheadMs: wallMs - here.wallMs,
    runtimeVersion: runtimeVersion === "" ? undefined : runtimeVersion,
    files: max === 0 ? undefined : { open: filesOpen, max },
  };
}
