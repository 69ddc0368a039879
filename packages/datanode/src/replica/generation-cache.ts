/**
 * A bounded map that forgets what was not used lately, at the price of a plain map: two generations, and when the young
 * one is full it becomes the old one, whose entries are dropped at the next turn unless they are asked for before or
 * pinned. A true LRU order would cost a deletion and an insertion with every hit.
 */
export class GenerationCache<Key, Value extends object> {
  readonly #generationMax: number;
  readonly #isPinned: ((value: Value) => boolean) | undefined;
  #young = new Map<Key, Value>();
  #old = new Map<Key, Value>();

  /**
   * @param options.entriesMax entries at most, pinned ones aside; at least half as many of the newest are always there
   * @param options.isPinned whether a value must stay; whoever pins bounds how many
   */
  constructor(options: { readonly entriesMax: number; readonly isPinned?: (value: Value) => boolean }) {
    this.#isPinned = options.isPinned;
    this.#generationMax = Math.max(1, Math.floor(options.entriesMax / 2));
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: Key): Value | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old === undefined) return undefined;
    this.#old.delete(key);
    this.set(key, old);
    return old;
  }

  set(key: Key, value: Value): void {
    if (this.#young.size >= this.#generationMax && !this.#young.has(key)) this.#turn();
    this.#young.set(key, value);
  }

  /** Takes the entry only as long as there is room: it pushes out nothing that was worth a {@link set}. */
  offer(key: Key, value: Value): void {
    if (this.#young.size < this.#generationMax) this.#young.set(key, value);
  }

  delete(key: Key): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  /** Forgets every entry of which `isUnwanted` is true, pinned or not. */
  deleteWhere(isUnwanted: (value: Value, key: Key) => boolean): void {
    for (const generation of [this.#young, this.#old]) {
      for (const [key, value] of generation) if (isUnwanted(value, key)) generation.delete(key);
    }
  }

  #turn(): void {
    const dropped = this.#old;
    this.#old = this.#young;
    this.#young = new Map();
    if (!this.#isPinned) return;
    // They go into the old generation, whose size is no matter: the young one must have room again after a turn.
    for (const [key, value] of dropped) if (this.#isPinned(value) && !this.#old.has(key)) this.#old.set(key, value);
  }
}
