import { QuorumError } from "@quorumfs/core";
import { parseDuration } from "@quorumfs/runtime/lean";
import { command } from "../command.js";
import { paintWith } from "../paint.js";
import { liveView } from "../top/live-view.js";
import { plainView } from "../top/plain-view.js";

// The SuperNode has a sample each second, and a view that is older than a minute is not live.
const intervalSecondsMax = 60;

export const top = command({
  names: ["top"],
  operands: "",
  shape: "[FLAGS]",
  describe: "Watch what the cluster does, second by second: DataNodes, buckets, the busiest files, events",
  details:
    "Keys: n nodes, b buckets, f files, e events, Tab the next; s and S (or arrows) sort by another column, r turns the order\n" +
    "round; p or Space holds the picture; ? explains the columns; q ends. Colours are left out with NO_COLOR.\n\n" +
    "Without a terminal it prints tables one after the other; with -o json one object a line.",
  options: {
    interval: {
      alias: "i",
      type: "string",
      default: "1s",
      describe: `Figures are of so much time, in whole seconds; without a terminal also between two prints; at most ${intervalSecondsMax}s`,
      requiresArg: true,
    },
    once: { type: "boolean", default: false, describe: "Print one, and end" },
  },
  examples: [
    ["$0 top", "Watch; q ends"],
    ["$0 top --once --interval 5s", "Five seconds of the cluster, as text"],
    ["$0 top -o json | jq .total.operationsPerSecond", "For a script: a line each second"],
    ["$0 top -o json | jq -c '.nodes[] | {node, state, p99: .latency.p99Ms}'", "How fast each node answers"],
  ],
  async run({ values: { interval, once } }, context) {
    const { printer, terminal, clock, stopping } = context;
    const intervalSeconds = secondsOf(interval);
    const cluster = await context.cluster();
    const screen = once || printer.format !== "table" ? undefined : terminal.screen();
    if (!screen) return plainView(context, { cluster, intervalSeconds, isOnce: once });
    await liveView({ cluster, clock, screen, paint: paintWith(terminal.hasColours), intervalSeconds, stopping });
  },
});

function secondsOf(interval: string): number {
  const seconds = parseDuration(interval) / 1000;
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= intervalSecondsMax) return seconds;
  throw new QuorumError({
    code: "invalid_argument",
    message: `--interval must be whole seconds from 1s to ${intervalSecondsMax}s, got ${interval}`,
  });
}
