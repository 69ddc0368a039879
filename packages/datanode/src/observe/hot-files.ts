/**
 * Which files are asked for most, in little memory: the space-saving sketch (Metwally, Agrawal, El Abbadi 2005) with
 * exponential decay. A file without a counter takes over the smallest one, with its count as a debt: what is counted
 * beyond that is the file's own for certain, so among many files that are asked for once each none looks hot.
 */

/** A file that is asked for more often than one operation in so many has a counter. */
const countersMax = 64;

/** What is counted fades by this time: long enough to be smooth, short enough to see a file cool down. */
const fadeMs = 10_000;

/** Counts smaller than that have faded away. */
const countMin = 0.01;

/** Of a busy node, one operation in so many is counted, for as many: chosen by chance, so that no pattern hides a file. */
const sampleOf = 32;

/** Where operations are sampled, a file that was met less often may have been met by chance. */
const samplesMin = 4;

/** So many are counted one by one since the last fading: on a node that has little to do each one matters. */
const countedAllMax = 250;

export interface HotFile {
  readonly bucket: string;
  readonly path: string;
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
}

interface Counter {
  readonly key: string;
  bucket: string;
  path: string;
  /** Own and inherited. */
  count: number;
  reads: number;
  writes: number;
}

export class HotFiles {
  readonly #counters = new Map<string, Counter>();
  /** The same: walking a map takes several times as long, and each newcomer has it walked. */
  #list: Counter[] = [];
  #seen = 0;
  /** Whether operations were sampled before the last fading. */
  #isSampled = false;
  /** Any state of the generator but 0 will do: the estimate does not depend on it, and runs are to be repeatable. */
  #chance = 0x9e3779b9;

  /** A file was read or written. */
  touched(bucket: string, path: string, how: "read" | "write"): void {
    this.#seen += 1;
    if (this.#seen <= countedAllMax) this.#count(bucket, path, how, 1);
    else if (this.#next() % sampleOf === 0) this.#count(bucket, path, how, sampleOf);
  }

  /** Lets what was counted fade by this much time. */
  fade(elapsedMs: number): void {
    this.#isSampled = this.#seen > countedAllMax;
    this.#seen = 0;
    if (this.#counters.size === 0) return;
    const left = Math.exp(-elapsedMs / fadeMs);
    for (const counter of this.#list) {
      counter.count *= left;
      counter.reads *= left;
      counter.writes *= left;
      if (counter.count < countMin) this.#counters.delete(counter.key);
    }
    if (this.#counters.size < this.#list.length) this.#list = [...this.#counters.values()];
  }

  /**
   * @param atMost how many
   * @returns the busiest first
   */
  hottest(atMost: number): readonly HotFile[] {
    const least = this.#isSampled ? samplesMin * sampleOf : 0;
    return this.#list
      .filter(({ reads, writes }) => reads + writes >= least)
      .sort((a, b) => b.reads + b.writes - (a.reads + a.writes))
      .slice(0, atMost)
      .map(({ bucket, path, reads, writes }) => {
        // A rate that stays the same is counted to as much as comes in during that time.
        return { bucket, path, readsPerSecond: (reads * 1000) / fadeMs, writesPerSecond: (writes * 1000) / fadeMs };
      });
  }

  #count(bucket: string, path: string, how: "read" | "write", weight: number): void {
    // No bucket's name has a slash.
    const key = `${bucket}/${path}`;
    const counter = this.#counters.get(key) ?? this.#counterFor(key, bucket, path);
    counter.count += weight;
    if (how === "read") counter.reads += weight;
    else counter.writes += weight;
  }

  #counterFor(key: string, bucket: string, path: string): Counter {
    const smallest = this.#counters.size >= countersMax ? this.#smallest() : undefined;
    if (smallest) {
      this.#counters.delete(smallest.key);
      this.#list.splice(this.#list.indexOf(smallest), 1);
    }
    const counter = { key, bucket, path, count: smallest?.count ?? 0, reads: 0, writes: 0 };
    this.#counters.set(key, counter);
    this.#list.push(counter);
    return counter;
  }

  #smallest(): Counter | undefined {
    let smallest = this.#list[0];
    for (const counter of this.#list) if (counter.count < (smallest?.count ?? 0)) smallest = counter;
    return smallest;
  }

  /** Marsaglia's xorshift: a good part of a nanosecond, which no better source comes near. */
  #next(): number {
    this.#chance ^= this.#chance << 13;
    this.#chance ^= this.#chance >>> 17;
    this.#chance ^= this.#chance << 5;
    return this.#chance >>> 0;
  }
}
