import type { NodeId } from "@quorumfs/core";
import type { Placement } from "@quorumfs/proto";

interface Place {
  readonly holders: readonly NodeId[];
  readonly behind: readonly NodeId[];
}

/** The placements of a page: each once, and a number for each file. */
export class Placements {
  readonly #list: Placement[] = [];
  readonly #places: number[] = [];
  readonly #byKey = new Map<string, number>();

  add(place: Place): void {
    const key = `${place.holders.join()}|${place.behind.join()}`;
    let index = this.#byKey.get(key);
    if (index === undefined) {
      index = this.#list.push({ holders: [...place.holders], behind: [...place.behind] }) - 1;
      this.#byKey.set(key, index);
    }
    this.#places.push(index);
  }

  get list(): Placement[] {
    return this.#list;
  }

  /** As `FilePage.placement_of`. */
  encoded(): Uint8Array {
    if (this.#list.length <= 1) return new Uint8Array(0);
    const view = new DataView(new ArrayBuffer(this.#places.length * 2));
    for (const [index, place] of this.#places.entries()) view.setUint16(index * 2, place, true);
    return new Uint8Array(view.buffer);
  }
}
