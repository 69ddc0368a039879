import { SingleBar } from "cli-progress";
import { OutputClosed, type Progress, type Terminal } from "../terminal.js";

const noProgress: Progress = { step: () => undefined, stop: () => undefined };

/** The process's own standard streams. */
export function processTerminal(): Terminal {
  let isClosed = false;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      // The reader has gone. Other errors of an output have nowhere to be told.
      if (stream === process.stdout && error.code === "EPIPE") isClosed = true;
    });
  }
  return {
    isWatched: process.stderr.isTTY,
    columns: process.stdout.isTTY ? process.stdout.columns : 80,
    write: (data) =>
      new Promise((resolve, reject) => {
        if (isClosed) return reject(new OutputClosed());
        process.stdout.write(data, (error) => (error ? reject(translate(error)) : resolve()));
      }),
    complain: (line) => process.stderr.write(`${line}\n`),
    read: readStandardInput,
    progress: (total) => (process.stderr.isTTY ? bar(total) : noProgress),
  };
}

function translate(error: NodeJS.ErrnoException): Error {
  return error.code === "EPIPE" ? new OutputClosed() : error;
}

async function readStandardInput(bytesMax: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk as Buffer);
    chunks.push(bytes);
    length += bytes.length;
    if (length > bytesMax) break;
  }
  return Buffer.concat(chunks).subarray(0, bytesMax + 1);
}

function bar(total: number): Progress {
  const progress = new SingleBar({
    format: "{bar} {value} of {total} files, {eta_formatted} left",
    stream: process.stderr,
    clearOnComplete: true,
    stopOnComplete: false,
    barsize: 30,
    hideCursor: true,
    etaBuffer: 200,
  });
  progress.start(total, 0);
  return { step: () => progress.increment(), stop: () => progress.stop() };
}
