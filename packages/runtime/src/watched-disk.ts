import { type Disk, QuorumError } from "@quorumfs/core";

/**
 * The same disk, whose first refusal somebody hears of: after it nobody knows what the disk holds, and no commit succeeds any
 * more, so the process has to go.
 */
export function watchedDisk(disk: Disk, onFailure: (error: QuorumError) => void): Disk {
  let failed = false;
  const fail = (thrown: unknown): void => {
    // Anything else is a caller's mistake, and the disk is well.
    if (failed || !(thrown instanceof QuorumError)) return;
    failed = true;
    const { message } = thrown;
    onFailure(new QuorumError({ code: "internal", message, cause: thrown }));
  };
  return {
    table: (name) => disk.table(name),
    commit: async (writes) => {
      try {
        await disk.commit(writes);
      } catch (thrown) {
        fail(thrown);
        throw thrown;
      }
    },
    get commits() {
      return disk.commits;
    },
    space: () => disk.space(),
    close: () => disk.close(),
  };
}
