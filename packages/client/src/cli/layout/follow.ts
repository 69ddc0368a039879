import { QuorumError } from "@quorumfs/core";
import { formatBytes } from "@quorumfs/runtime/lean";
import { hasEnded, type LayoutChange } from "../../layout-info.js";
import { type Context, operationOptions } from "../context.js";
import { barLine, durationText } from "../progress-line.js";
import { TransferMeter } from "../transfer-meter.js";
import { Reported } from "../transfers.js";
import { endText } from "./layout-text.js";

/**
 * Shows how the change that is under way gets on, until it has ended. Ctrl-C ends the watching only.
 *
 * @param begun the change as it was when it began
 * @param onNews hears of every state of the change
 * @returns how it ended
 */
export async function followChange(
  context: Context,
  begun: LayoutChange,
  onNews: (change: LayoutChange) => Promise<void>,
): Promise<LayoutChange> {
  const { terminal, clock, stopping } = context;
  const cluster = await context.cluster();
  const pace = new ChangePace(new TransferMeter(clock));
  let last = begun;
  let told: readonly string[] = [];
  const endDisplay = terminal.progress((columns) => pace.line(columns));
  try {
    for await (const change of cluster.layout.watch({ ...operationOptions(context), signal: stopping })) {
      last = change;
      pace.heard(change);
      for (const obstacle of change.obstacles)
        if (!told.includes(obstacle)) context.printer.note(`quorumfs: ${obstacle}`);
      told = change.obstacles;
      await onNews(change);
    }
  } catch (thrown) {
    if (stopping.aborted) {
      context.advise(
        "the change goes on without this command; watch it with quorumfs layout show --follow, end it with quorumfs layout stop",
      );
    }
    throw thrown;
  } finally {
    endDisplay();
  }
  if (hasEnded(last)) return last;
  // It was over before anybody could watch it.
  const id = last.id;
  return (await cluster.layout.history(operationOptions(context))).find((change) => change.id === id) ?? last;
}

/** @throws Reported if not all that was to be moved has been moved */
export function checkDone(context: Context, change: LayoutChange): void {
  if (change.state === "done") return;
  const error = new QuorumError({ code: "precondition_failed", message: endText(change) });
  context.printer.problem(error);
  throw new Reported(error, 9);
}

/** The rate of a change, from how many of its partitions have moved. */
class ChangePace {
  readonly #meter: TransferMeter;
  #file: ReturnType<TransferMeter["begin"]> | undefined;
  #change: LayoutChange | undefined;
  #bytesBefore = 0;

  constructor(meter: TransferMeter) {
    this.#meter = meter;
  }

  heard(change: LayoutChange): void {
    const bytes = movedBytes(change);
    // What had been moved before anybody watched says nothing about the rate.
    if (!this.#change || this.#change.id !== change.id) this.#bytesBefore = bytes;
    this.#file ??= this.#meter.begin(undefined);
    this.#file.progress({ bytes, resumedBytes: this.#bytesBefore });
    this.#change = change;
  }

  line(columns: number): string {
    const change = this.#change;
    if (!change) return "waiting for the SuperNode";
    const { movesDone, movesTotal, moving, bytesTotal, remainingMs, obstacles } = change;
    const [obstacle] = obstacles;
    const facts = [
      `${movesDone} of ${movesTotal} partitions`,
      ...(bytesTotal > 0
        ? [
            `${formatBytes(movedBytes(change))} of ${formatBytes(bytesTotal)}`,
            `${formatBytes(Math.round(this.#meter.read().bytesPerSecond))}/s`,
          ]
        : []),
      ...(remainingMs === undefined ? [`${moving} moving`] : [`${durationText(remainingMs / 1000)} left`]),
      ...(obstacle === undefined ? [] : [obstacle]),
    ];
    return barLine({ fraction: movesTotal === 0 ? undefined : movesDone / movesTotal, facts, columns });
  }
}

function movedBytes({ bytesTotal, movesDone, movesTotal }: LayoutChange): number {
  return movesTotal === 0 ? 0 : Math.round((bytesTotal * movesDone) / movesTotal);
}
