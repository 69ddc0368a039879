import { SingleBar } from "cli-progress";

// What is done sooner needs no display.
const patienceMs = 500;
// Often enough to look alive, and next to nothing in cost.
const intervalMs = 200;

export interface Display {
  /** Makes room for a line of something else; the display comes back with its next update. */
  hide(): void;
  stop(): void;
}

/** One line on standard error that says how far something is. */
export function progressDisplay(line: (columns: number) => string): Display {
  const bar = new SingleBar({
    format: () => line(process.stderr.columns),
    stream: process.stderr,
    fps: 1000 / intervalMs,
    clearOnComplete: true,
    stopOnComplete: false,
    hideCursor: true,
    linewrap: null,
  });
  let isShown = false;
  // Once it is shown it draws itself anew as its rate says.
  const timer = setTimeout(() => {
    bar.start(1, 0);
    isShown = true;
  }, patienceMs).unref();
  return {
    hide: () => {
      // Goes to the beginning of the line and clears it.
      if (isShown) process.stderr.write("\r\x1b[K");
    },
    stop: () => {
      clearTimeout(timer);
      if (isShown) bar.stop();
      isShown = false;
    },
  };
}
