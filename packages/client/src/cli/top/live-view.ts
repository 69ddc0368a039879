import type { Clock } from "@quorumfs/core";
import type { QuorumFs } from "../../quorumfs.js";
import type { Paint } from "../paint.js";
import type { Screen } from "../terminal.js";
import { type Frame, frameOf } from "./frame.js";
import { TopFeed } from "./top-feed.js";
import { afterKey, firstChoice } from "./top-state.js";

// So that it is seen how old the picture is, while nothing comes.
const redrawEveryMs = 1000;

export interface LiveViewOptions {
  readonly cluster: QuorumFs;
  readonly clock: Clock;
  readonly screen: Screen;
  readonly paint: Paint;
  readonly intervalSeconds: number;
  readonly stopping: AbortSignal;
}

/** Shows the cluster until somebody has seen enough. Closes the screen, whatever happens. */
export async function liveView(options: LiveViewOptions): Promise<void> {
  const { cluster, clock, screen, paint, intervalSeconds, stopping } = options;
  let choice = firstChoice;
  let frame: Frame | undefined;
  let isDue = false;
  const draw = (): void => {
    frame = frameOf(feed.data, choice, { ...screen.size, paint, nowMs: clock.nowMs() });
    screen.draw(frame.lines);
  };
  /** Once for all that comes within a turn. */
  const drawSoon = (): void => {
    if (isDue) return;
    isDue = true;
    clock.endOfTurn(() => {
      isDue = false;
      draw();
    });
  };
  const feed = new TopFeed({ cluster, clock, intervalSeconds, onNews: drawSoon });
  let cancelTick: () => void = () => undefined;
  const tick = (): void => {
    drawSoon();
    cancelTick = clock.after(redrawEveryMs, tick);
  };
  const end = (): void => feed.close();
  stopping.addEventListener("abort", end);
  screen.onResize(drawSoon);
  screen.onKey((key) => {
    const { table, page = 0 } = frame ?? {};
    const next = afterKey(key, choice, { data: feed.data, columns: table?.columns ?? 1, rows: table?.rows ?? 0, page });
    if (next === "quit") return end();
    choice = next;
    drawSoon();
  });
  try {
    tick();
    await feed.run();
  } finally {
    cancelTick();
    stopping.removeEventListener("abort", end);
    screen.close();
  }
}
