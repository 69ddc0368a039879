// Two generations of half the size each: together at most 65,536 names, some 10 MB.
const generationMax = 32_768;

interface Seen {
  readonly bucketId: number;
  version: number;
}

/**
 * The highest version that this client knows of each file, for `seen_version`: a retry can then tell its own earlier
 * attempt from what is older. Forgetting is harmless: it only makes more outcomes unknown.
 *
 * Least recently used names go first, by generations: what was not touched while a whole generation filled up is dropped
 * with its own. That is cheaper than moving an entry at each use.
 */
export class SeenVersions {
  #young = new Map<string, Seen>();
  #old = new Map<string, Seen>();

  /** 0 if nothing is known of the file. A bucket made anew under an old name counts its versions anew. */
  get(name: string, bucketId: number): number {
    const seen = this.#young.get(name) ?? this.#old.get(name);
    return seen?.bucketId === bucketId ? seen.version : 0;
  }

  note(name: string, bucketId: number, version: number): void {
    const young = this.#young.get(name);
    if (young?.bucketId === bucketId) {
      if (version > young.version) young.version = version;
      return;
    }
    this.#add(name, { bucketId, version: Math.max(version, this.get(name, bucketId)) });
  }

  #add(name: string, seen: Seen): void {
    this.#young.set(name, seen);
    if (this.#young.size < generationMax) return;
    this.#old = this.#young;
    this.#young = new Map();
  }
}
