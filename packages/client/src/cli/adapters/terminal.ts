import { createInterface } from "node:readline/promises";
import { OutputClosed, type Terminal } from "../terminal.js";
import { printable } from "../wording.js";
import { openScreen } from "./open-screen.js";
import { type Display, progressDisplay } from "./progress-display.js";

/** The process's own standard streams. */
export function processTerminal(): Terminal {
  let isClosed = false;
  let display: Display | undefined;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      // The reader has gone. Other errors of an output have nowhere to be told.
      if (stream === process.stdout && error.code === "EPIPE") isClosed = true;
    });
  }
  return {
    columns: process.stdout.isTTY ? process.stdout.columns : 80,
    hasColours: process.stdout.isTTY && process.stdout.hasColors(),
    screen: openScreen,
    write: (data) =>
      new Promise((resolve, reject) => {
        if (isClosed) return reject(new OutputClosed());
        if (process.stdout.isTTY) display?.hide();
        process.stdout.write(data, (error) => (error ? reject(translate(error)) : resolve()));
      }),
    complain: (line) => {
      display?.hide();
      process.stderr.write(`${line}\n`);
    },
    input: () => process.stdin,
    progress: (line) => {
      if (!process.stderr.isTTY) return () => undefined;
      const own = progressDisplay((columns) => printable(line(columns)));
      display = own;
      return () => {
        own.stop();
        display = undefined;
      };
    },
    confirm: (question) =>
      process.stdin.isTTY && process.stderr.isTTY ? ask(printable(question)) : Promise.resolve(undefined),
  };
}

async function ask(question: string): Promise<boolean> {
  const dialogue = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-C is the process's own business, also while the line is being edited.
  dialogue.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    const closed = new Promise<string>((resolve) => dialogue.once("close", () => resolve("")));
    return /^y(es)?$/i.test((await Promise.race([dialogue.question(`${question} [y/N] `), closed])).trim());
  } finally {
    dialogue.close();
  }
}

function translate(error: NodeJS.ErrnoException): Error {
  return error.code === "EPIPE" ? new OutputClosed() : error;
}
