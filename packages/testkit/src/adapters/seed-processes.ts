import { fork } from "node:child_process";

// Of a run that has ended, Node keeps each composed abort signal that somebody still listened to in the middle of an
// operation, with all that hangs on it: a megabyte a run. A process of its own is the surest way to forget them.
const batchesPerProcess = 10;

/** What came of a few seeds. */
export interface Batch {
  readonly count: number;
  readonly coverage: readonly (readonly [what: string, count: number])[];
  readonly failures: readonly { readonly seed: number; readonly violation: string }[];
}

/** What a playing process is told. */
export interface BatchRequest {
  readonly from: number;
  readonly count: number;
}

/**
 * Spreads seeds over processes, a batch at a time. Once the signal is aborted, batches that were begun are the last.
 *
 * @throws Error if a process ends before its work
 */
export async function playInProcesses(options: {
  readonly seed: number;
  readonly seeds: number;
  readonly jobs: number;
  readonly batchSeeds: number;
  readonly signal: AbortSignal;
  readonly onBatch: (batch: Batch, done: number) => void;
}): Promise<void> {
  const { seed, seeds, jobs, batchSeeds, signal, onBatch } = options;
  let next = seed;
  let done = 0;
  /** Resolves when there is no seed left, or the process has played enough. */
  const playSome = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = fork(new URL("../seed-player.js", import.meta.url));
      let batches = 0;
      const ask = (): void => {
        const count = Math.min(batchSeeds, seed + seeds - next);
        if (count <= 0 || batches === batchesPerProcess || signal.aborted) {
          child.disconnect();
          return;
        }
        batches += 1;
        child.send({ from: next, count } satisfies BatchRequest);
        next += count;
      };
      child.on("message", (batch: Batch) => {
        done += batch.count;
        onBatch(batch, done);
        ask();
      });
      child.on("error", reject);
      child.on("exit", (code) => {
        if (code === 0) resolve();
        else reject(new Error(`a playing process ended with code ${code}`));
      });
      ask();
    });
  const playAll = async (): Promise<void> => {
    while (next < seed + seeds && !signal.aborted) await playSome();
  };
  await Promise.all(Array.from({ length: jobs }, playAll));
}

/** Answers the requests of {@link playInProcesses} in the process that it started. */
export function answerBatches(play: (request: BatchRequest) => Promise<Batch>): void {
  // Ctrl-C reaches the whole group; who started this process decides what becomes of it.
  process.on("SIGINT", () => undefined);
  process.on("message", (request: BatchRequest) => {
    play(request).then(
      (batch) => process.send?.(batch),
      (thrown: unknown) => {
        console.error(thrown);
        process.exit(1);
      },
    );
  });
}
