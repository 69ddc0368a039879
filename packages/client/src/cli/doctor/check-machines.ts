/** Checks of clocks and disks. */
import type { Facts } from "./facts.js";
import { error, type Judgement, judged, ok, warning } from "./finding.js";

// Nothing that is promised rests on clocks, but modification times, events and the age of what is deleted are read by them.
const skewWarnMs = 1000;
const skewErrorMs = 60_000;

/** Each clock against the middle of all, this machine's too, so that one wrong clock is told from many right ones. */
export function checkClocks({ superNode, processes }: Facts): readonly Judgement[] {
  const clocks: readonly {
    readonly who: string;
    readonly aheadMs: number;
    readonly offByMs: number;
    readonly node?: number;
  }[] = [
    { who: "this machine", aheadMs: 0, offByMs: 0 },
    { who: "the SuperNode", aheadMs: superNode.clockAheadMs, offByMs: superNode.roundTripMs / 2 },
    ...processes.flatMap(({ node, process }) =>
      process ? [{ who: `node ${node}`, aheadMs: process.clockAheadMs, offByMs: process.roundTripMs / 2, node }] : [],
    ),
  ];
  const middleMs = median(clocks.map(({ aheadMs }) => aheadMs));
  const faults = clocks.flatMap(({ who, aheadMs, offByMs, node }): readonly Judgement[] => {
    const differsMs = aheadMs - middleMs;
    const certainMs = Math.abs(differsMs) - offByMs;
    if (certainMs < skewWarnMs) return [];
    const message = `the clock of ${who} is ${skewText(Math.abs(differsMs))} ${differsMs > 0 ? "ahead" : "behind"}`;
    const advice = "let chrony or systemd-timesyncd keep the time there; file times and events are wrong until then";
    return [certainMs < skewErrorMs ? warning(message, advice, node) : error(message, advice, node)];
  });
  const worst = Math.max(...clocks.map(({ aheadMs }) => Math.abs(aheadMs - middleMs)));
  return judged(faults, `all within ${skewText(worst)}`);
}

function skewText(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

// Half of all commits take longer than the middle one; every acknowledged write waits for W of them.
const slowMs = 10;
const verySlowMs = 200;
const stallMs = 500;

export function checkDisks({ disks }: Facts): readonly Judgement[] {
  if (!disks) return [ok("not measured (--no-disk)")];
  const faults = disks.flatMap(({ node, syncMs, error: failure }): readonly Judgement[] => {
    if (failure) {
      // Nodes that do not answer at all are told of by another check.
      if (failure.code === "unavailable" || failure.code === "cancelled") return [];
      return [
        failure.code === "resource_exhausted"
          ? warning(`the disk of node ${node} was not measured: ${failure.message}`, "try again in some seconds", node)
          : error(`the disk of node ${node} fails: ${failure.message}`, "look at its log, and at the disk", node),
      ];
    }
    const middle = median(syncMs);
    const longest = Math.max(0, ...syncMs);
    const took = `node ${node} needs ${msText(middle)} to make a small file durable, ${msText(longest)} at worst`;
    const advice = "every write waits for W disks: use SSDs with power-loss protection, and no network or shared disks";
    if (middle >= verySlowMs) return [error(took, advice, node)];
    if (middle >= slowMs || longest >= stallMs) return [warning(took, advice, node)];
    return [];
  });
  const measured = disks.flatMap(({ syncMs }) => (syncMs && syncMs.length > 0 ? [syncMs] : []));
  if (measured.length === 0) return judged(faults, "no disk could be measured");
  const slowest = Math.max(...measured.map(median));
  const worst = Math.max(...measured.flat());
  return judged(
    faults,
    `fsync takes ${msText(slowest)} on the slowest of ${measured.length}, ${msText(worst)} at worst`,
  );
}

function msText(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  return (upper + lower) / 2;
}
