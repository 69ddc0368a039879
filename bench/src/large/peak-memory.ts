import { peakMemoryBytes, residentMemory, restartPeakMemory } from "../proc.js";

export interface WatchedProcess {
  readonly name: string;
  readonly pid: number;
}

const sampleMs = 20;

/** The most memory that each process has had resident since the watch began: as the kernel tells it, else by samples. */
export class PeakMemory {
  readonly #processes: readonly WatchedProcess[];
  readonly #sampled = new Map<number, number>();
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(processes: readonly WatchedProcess[]) {
    this.#processes = processes;
    if (processes.map(({ pid }) => restartPeakMemory(pid)).every((restarted) => restarted)) return;
    this.#timer = setInterval(() => this.#sample(), sampleMs);
  }

  #sample(): void {
    for (const { pid } of this.#processes) {
      const bytes = residentMemory(pid)?.totalBytes ?? 0;
      this.#sampled.set(pid, Math.max(bytes, this.#sampled.get(pid) ?? 0));
    }
  }

  /** Ends the watch. Bytes by name of process; those that nobody tells are left out. */
  end(): Readonly<Record<string, number>> {
    if (this.#timer) {
      clearInterval(this.#timer);
      this.#sample();
    }
    const peaks = this.#processes.flatMap(({ name, pid }) => {
      const bytes = this.#timer ? this.#sampled.get(pid) : peakMemoryBytes(pid);
      return bytes === undefined || bytes === 0 ? [] : [[name, bytes] as const];
    });
    return Object.fromEntries(peaks);
  }
}
