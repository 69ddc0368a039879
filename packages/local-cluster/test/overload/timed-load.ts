import type { QuorumFs } from "@quorumfs/client";

/** How long each operation of a load took. */
export interface TimedLoad {
  readonly readsMs: readonly number[];
  readonly writesMs: readonly number[];
}

/** So many reads and writes of small files, some at a time; the first failure ends it. */
export async function timedLoad(options: {
  readonly client: QuorumFs;
  readonly operations: number;
  readonly files: number;
  readonly inFlight: number;
  /** Every how many operations one writes; 1: all do. */
  readonly writeEvery: number;
}): Promise<TimedLoad> {
  const { client, operations, files, inFlight, writeEvery } = options;
  const readsMs: number[] = [];
  const writesMs: number[] = [];
  let begun = 0;
  const work = async (): Promise<void> => {
    while (begun < operations) {
      const index = begun++;
      const name = `files/load-${index % files}`;
      const startedAtMs = performance.now();
      if (index % writeEvery === 0) {
        await client.put(name, String(index));
        writesMs.push(performance.now() - startedAtMs);
      } else {
        await client.get(name);
        readsMs.push(performance.now() - startedAtMs);
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  return { readsMs, writesMs };
}

/** How many took at least so long. */
export function countOver(tookMs: readonly number[], limitMs: number): number {
  return tookMs.filter((ms) => ms >= limitMs).length;
}
