/** The clock and the disks of a member, as they are for as long as it has power. */
import {
  assert,
  type Clock,
  type ContentDraft,
  type ContentFiles,
  type Disk,
  QuorumError,
  type Table,
  type TableRange,
} from "@quorumfs/core";
import { type Power, forever } from "./power.js";

export function poweredClock(clock: Clock, power: Power): Clock {
  const unlessOff = (action: () => void) => () => {
    if (!power.off) action();
  };
  return {
    nowMs: () => clock.nowMs(),
    wallMs: () => clock.wallMs(),
    after: (delayMs, action) => clock.after(delayMs, unlessOff(action)),
    endOfTurn: (action) => clock.endOfTurn(unlessOff(action)),
  };
}

/** Without power it takes nothing, and shows nothing: whoever still asks must not find a closed store. */
export function poweredDisk(disk: Disk, power: Power): Disk {
  return {
    table: (name) => new PoweredTable(disk.table(name), power),
    commit: async (writes) => {
      if (power.off) await forever();
      try {
        await disk.commit(writes.map((write) => ({ ...write, table: innerOf(write.table) })));
      } catch (error) {
        if (!power.off) throw error;
      }
      // The disk may have taken it, as with a machine that dies between the write and the answer.
      if (power.off) await forever();
    },
    get commits() {
      return disk.commits;
    },
    space: () => disk.space(),
    close: () => disk.close(),
  };
}

/** Without power nothing is published, removed or shown. */
export function poweredContentFiles(files: ContentFiles, power: Power): ContentFiles {
  // The disk may have done it, and nobody learns of it.
  const unlessOff = async <T>(action: () => Promise<T>): Promise<T> => {
    if (power.off) await forever();
    try {
      const result = await action();
      return power.off ? await forever() : result;
    } catch (error) {
      return power.off ? forever() : Promise.reject(QuorumError.from(error));
    }
  };
  return {
    create: (name) => {
      const draft: ContentDraft = files.create(name);
      return {
        write: (bytes) => unlessOff(() => draft.write(bytes)),
        publish: () => unlessOff(() => draft.publish()),
        discard: () => unlessOff(() => draft.discard()),
      };
    },
    read: (place, offset, target) => unlessOff(() => files.read(place, offset, target)),
    size: (place) => unlessOff(() => files.size(place)),
    remove: (places) => unlessOff(() => files.remove(places)),
    quarantine: (place) => unlessOff(() => files.quarantine(place)),
    list: async function* () {
      const places = files.list()[Symbol.asyncIterator]();
      for (;;) {
        const next = await unlessOff(() => places.next());
        if (next.done === true) return;
        yield next.value;
      }
    },
    space: () => files.space(),
    close: () => files.close(),
  };
}

class PoweredTable implements Table {
  readonly inner: Table;
  readonly #power: Power;

  constructor(inner: Table, power: Power) {
    this.inner = inner;
    this.#power = power;
  }

  get name(): string {
    return this.inner.name;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#power.off ? undefined : this.inner.get(key);
  }

  range(range: TableRange): Iterable<{ readonly key: Uint8Array; readonly value: Uint8Array }> {
    return this.#power.off ? [] : this.inner.range(range);
  }

  count(): number {
    return this.#power.off ? 0 : this.inner.count();
  }
}

function innerOf(table: Table): Table {
  assert(table instanceof PoweredTable, "a disk is given tables of its own");
  return table.inner;
}
