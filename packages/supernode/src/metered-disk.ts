import type { Clock, Disk } from "@quorumfs/core";

/** The same disk; somebody hears how long each commit took, in seconds. */
export function meteredDisk(disk: Disk, clock: Pick<Clock, "nowMs">, onCommit: (seconds: number) => void): Disk {
  return {
    table: (name) => disk.table(name),
    commit: async (writes) => {
      const startedAtMs = clock.nowMs();
      await disk.commit(writes);
      onCommit((clock.nowMs() - startedAtMs) / 1000);
    },
    get commits() {
      return disk.commits;
    },
    space: () => disk.space(),
    close: () => disk.close(),
  };
}
