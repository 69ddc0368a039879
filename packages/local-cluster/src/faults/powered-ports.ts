/** The clock and the disk of a member, as they are for as long as it has power. */
import type { Clock, Disk, Table } from "@quorumfs/core";
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
  const table = (name: string): Table => {
    const inner = disk.table(name);
    return {
      name,
      get: (key) => (power.off ? undefined : inner.get(key)),
      range: (range) => (power.off ? [] : inner.range(range)),
      count: () => (power.off ? 0 : inner.count()),
    };
  };
  return {
    table,
    commit: async (writes) => {
      if (power.off) await forever();
      try {
        await disk.commit(writes);
      } catch (error) {
        if (!power.off) throw error;
      }
      // The disk may have taken it, as with a machine that dies between the write and the answer.
      if (power.off) await forever();
    },
    space: () => disk.space(),
    close: () => disk.close(),
  };
}
