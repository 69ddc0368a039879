import { writeSync } from "node:fs";
import { emitKeypressEvents } from "node:readline";
import type { Screen } from "../terminal.js";

// Private modes of xterm, which all terminals of today know: 1049 another screen, 25 the cursor, 7 wrapping, 2026 a picture at once.
const enter = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const leave = "\x1b[?7h\x1b[?25h\x1b[?1049l";

interface Keypress {
  readonly name?: string;
  readonly ctrl: boolean;
  readonly sequence: string;
}

/** Takes the terminal; undefined if this process has none that can be drawn on. */
export function openScreen(): Screen | undefined {
  const { stdin, stdout } = process;
  if (!stdin.isTTY || !stdout.isTTY || process.env.TERM === "dumb") return undefined;
  const closers: (() => void)[] = [];
  let isOpen = true;
  /** Also in the middle of an exit, when nothing that is queued goes out any more. */
  const restore = (): void => {
    stdin.setRawMode(false);
    writeSync(stdout.fd, leave);
  };
  const take = (): void => {
    stdin.setRawMode(true);
    stdout.write(enter);
  };
  process.once("exit", restore);
  emitKeypressEvents(stdin);
  take();
  stdin.resume();
  const screen: Screen = {
    get size() {
      // A terminal that does not know its size says 0.
      return { columns: stdout.columns || 80, rows: stdout.rows || 24 };
    },
    draw: (lines) => {
      if (!isOpen || stdout.writableNeedDrain) return;
      const shown = lines.slice(0, screen.size.rows).map((line) => `${line}\x1b[K`);
      stdout.write(`\x1b[?2026h\x1b[H${shown.join("\r\n")}\x1b[J\x1b[?2026l`);
    },
    onKey: (listener) => {
      const onKeypress = (_text: string | undefined, key: Keypress): void => {
        if (key.ctrl && key.name === "z") suspend();
        else listener(nameOf(key));
      };
      stdin.on("keypress", onKeypress);
      closers.push(() => stdin.off("keypress", onKeypress));
    },
    onResize: (listener) => {
      stdout.on("resize", listener);
      closers.push(() => stdout.off("resize", listener));
    },
    close: () => {
      if (!isOpen) return;
      isOpen = false;
      for (const close of closers) close();
      process.off("exit", restore);
      stdin.pause();
      restore();
    },
  };
  /** Ctrl-Z: the shell gets its terminal, and `fg` gives it back. */
  const suspend = (): void => {
    restore();
    process.once("SIGCONT", () => {
      if (!isOpen) return;
      take();
      stdout.emit("resize");
    });
    process.kill(process.pid, "SIGTSTP");
  };
  return screen;
}

function nameOf({ name, ctrl, sequence }: Keypress): string {
  if (ctrl) return `ctrl-${name ?? ""}`;
  return sequence.length === 1 && sequence > " " ? sequence : (name ?? sequence);
}
