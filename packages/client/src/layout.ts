import { type Clock, QuorumError, type Random } from "@quorumfs/core";
import { AdminServiceService } from "@quorumfs/proto";
import type { Control } from "./cluster/control.js";
import { noSuperNode } from "./cluster/control.js";
import { hasEnded, type LayoutChange, type NodeChange } from "./layout-info.js";
import { fromNodeChange, toLayoutChange, toLayoutInfo, toLayoutPlan } from "./layout-wire.js";
import { callWith, type OperationOptions } from "./options.js";
import type { Layout } from "./quorumfs.js";
import { backoffMs } from "./retry/backoff.js";
import { required } from "./wire.js";

export interface LayoutOptions {
  readonly control: Control;
  readonly clock: Clock;
  readonly random: Random;
}

/** The administration of the layout, which is the SuperNode's. */
export function layoutOf(options: LayoutOptions): Layout {
  const { control } = options;
  const layout: Layout = {
    show: async (call = {}) => toLayoutInfo(await control.ask(AdminServiceService.getLayout, {}, callWith(call))),
    partitions: async (call = {}) => {
      const { cluster } = await control.ask(AdminServiceService.getStatus, {}, callWith(call));
      return (cluster?.layout?.partitions ?? []).map(({ nodes, joining }) => ({ nodes, joining }));
    },
    plan: async (changes = [], call = {}) => {
      const request = { changes: changes.map(checked) };
      const { plan } = await control.ask(AdminServiceService.planLayout, request, callWith(call));
      return toLayoutPlan(required(plan, "plan"));
    },
    apply: async (changes = [], call = {}) => {
      const { baseLayout = 0 } = call;
      if (!Number.isSafeInteger(baseLayout) || baseLayout < 0) throw invalid(`${baseLayout} is no number of a layout`);
      const request = { changes: changes.map(checked), baseLayout };
      const { change } = await control.command(AdminServiceService.applyLayout, request, {
        title: "the change of the layout",
        ...callWith(call),
      });
      return change && toLayoutChange(change);
    },
    stop: async (call = {}) => {
      const title = "stopping the change of the layout";
      const { change } = await control.command(AdminServiceService.stopLayout, {}, { title, ...callWith(call) });
      return change && toLayoutChange(change);
    },
    history: async (call = {}) => {
      const { changes } = await control.ask(AdminServiceService.listLayoutChanges, {}, callWith(call));
      return changes.map(toLayoutChange);
    },
    watch: (call = {}) => watch({ ...options, layout, call }),
    drain: (node, call) => layout.apply([{ node, role: "draining" }], call),
    activate: (node, call) => layout.apply([{ node, role: "active" }], call),
    remove: (node, { lost = false, ...call } = {}) => layout.apply([{ node, role: lost ? "lost" : "leaving" }], call),
    replace: (node, replacedBy, { lost = false, ...call } = {}) =>
      layout.apply([{ node, role: lost ? "lost" : "leaving", replacedBy }], call),
  };
  return layout;
}

/** 0 stands for nobody on the wire. */
function checked(change: NodeChange) {
  for (const id of [change.node, ...(change.replacedBy === undefined ? [] : [change.replacedBy])]) {
    if (!Number.isInteger(id) || id < 1 || id > 0xffff_ffff) throw invalid(`${id} is no id of a DataNode`);
  }
  if (change.replacedBy === change.node) throw invalid(`node ${change.node} cannot be replaced by itself`);
  return fromNodeChange(change);
}

/** Goes on over restarts of the SuperNode, which goes on with the change. */
async function* watch(
  options: LayoutOptions & { readonly layout: Layout; readonly call: OperationOptions },
): AsyncGenerator<LayoutChange, void, undefined> {
  const { control, clock, random, layout, call } = options;
  const { timeoutMs, signal } = callWith(call);
  const stream = signal ? { signal } : {};
  let last: LayoutChange | undefined;
  let heardAtMs = clock.nowMs();
  for (let round = 1; ; round += 1) {
    const { channel } = control;
    try {
      for await (const { change } of channel.serverStream(AdminServiceService.watchLayoutChange, {}, stream)) {
        round = 0;
        heardAtMs = clock.nowMs();
        last = toLayoutChange(required(change, "change"));
        yield last;
        if (hasEnded(last)) return;
      }
      // Either there was none, or it ended while nobody told us.
      if (last) yield* await outcomeOf(last, layout, call);
      return;
    } catch (thrown) {
      const error = QuorumError.from(thrown);
      if (error.code !== "unavailable") throw error;
      control.turn(channel);
      if (clock.nowMs() - heardAtMs >= timeoutMs) throw noSuperNode([channel.address], error);
    }
    await new Promise<void>((resolve) => void clock.after(backoffMs(Math.max(1, round), random), resolve));
  }
}

async function outcomeOf(last: LayoutChange, layout: Layout, call: OperationOptions): Promise<readonly LayoutChange[]> {
  return (await layout.history(call)).filter(({ id }) => id === last.id);
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
