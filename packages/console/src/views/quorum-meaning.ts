/** What R, W and durability mean for who uses a bucket, in words: true for any N, and checked by a test against the rules. */
import { checkQuorum, completeQuorum, type QuorumSettings } from "@quorumfs/core";
import type { Durability, QuorumChoice, QuorumMeaning } from "../api.js";

/** Every choice that the cluster would take, what is taken by default first, then those that tolerate most. */
export function quorumChoices(replicas: number): readonly QuorumChoice[] {
  if (replicas < 1) return [];
  const usual = completeQuorum({ replicas });
  const choices: QuorumChoice[] = [];
  for (const durability of ["fsync", "memory"] as const) {
    for (let write = 1; write <= replicas; write += 1) {
      for (let read = Math.max(1, replicas - write + 1); read <= replicas; read += 1) {
        const quorum = checkQuorum({ replicas, read, write });
        const isDefault = durability === "fsync" && read === usual.read && write === usual.write;
        choices.push({
          readQuorum: read,
          writeQuorum: write,
          durability,
          isDefault,
          meaning: quorumMeaning(quorum, durability),
        });
      }
    }
  }
  const worth = ({ isDefault, readQuorum, writeQuorum, durability }: QuorumChoice): number =>
    (isDefault ? -1e6 : 0) + (durability === "memory" ? 1e3 : 0) + Math.max(readQuorum, writeQuorum) * 10 + readQuorum;
  return choices.sort((a, b) => worth(a) - worth(b));
}

export function quorumMeaning(quorum: QuorumSettings, durability: Durability): QuorumMeaning {
  const { replicas, read, write } = quorum;
  // A write that meets others, or that another coordinator has begun, needs promises first: of R replicas, and of a majority.
  const promise = Math.max(read, Math.floor(replicas / 2) + 1);
  const readsTolerate = replicas - read;
  const writesTolerate = replicas - Math.max(write, promise);
  return {
    readsTolerate,
    writesTolerate,
    summary: summaryOf({ replicas, readsTolerate, writesTolerate }),
    tolerates: tolerance({ ...quorum, readsTolerate, writesTolerate, durability }),
    costs: costsOf(quorum, durability),
    warning: warningOf(quorum, durability),
  };
}

interface Tolerance {
  readonly replicas: number;
  readonly readsTolerate: number;
  readonly writesTolerate: number;
}

function summaryOf({ replicas, readsTolerate, writesTolerate }: Tolerance): string {
  if (readsTolerate === writesTolerate) {
    return readsTolerate === 0
      ? `Reads and writes need ${allOf(replicas)} that hold a file.`
      : `Reads and writes go on with ${readsTolerate} of ${replicas} replicas down.`;
  }
  return `Reads go on with ${count(readsTolerate)} of ${replicas} replicas down, writes with ${count(writesTolerate)}.`;
}

function tolerance(options: QuorumSettings & Tolerance & { readonly durability: Durability }): string {
  const { write, durability, replicas } = options;
  const lost = write - 1;
  const kept =
    durability === "fsync"
      ? `An acknowledged write is on ${disks(write)}, and survives ${lossOf(lost)} and a power cut of all`
      : `An acknowledged write is in the memory of ${nodes(write)}, and survives ${crashOf(lost)} within the moment until the disks have it, but not a power cut of all`;
  const later = write < replicas ? `; soon after, repair has brought it to all ${replicas}` : "";
  return `${summaryOf(options)} ${kept}${later}.`;
}

function costsOf({ replicas, read, write }: QuorumSettings, durability: Durability): string {
  const reads =
    read === 1 ? "A read is answered by a single replica" : `A read waits for ${fastest(read)} of ${replicas} replicas`;
  const sync = durability === "fsync" ? "and its disk" : "and no disk";
  const writes = `a write waits for ${fastest(write)} ${sync}`;
  const slowest = write === replicas ? ", so that the slowest replica sets the pace" : "";
  return `${reads}; ${writes}${slowest}.`;
}

function warningOf({ replicas, read, write }: QuorumSettings, durability: Durability): string | null {
  if (replicas === 1) return "There is one copy of each file: losing its disk loses it.";
  if (durability === "memory") {
    return "A power cut, or a crash of as many machines as vote, may lose the last writes that were acknowledged.";
  }
  if (write === 1)
    return "A write is acknowledged with a single copy: if that disk is lost before repair has copied it, the write is lost.";
  if (write === replicas) return "One DataNode that is down stops all writes of files that it holds.";
  if (read === replicas) return "One DataNode that is down stops all reads of files that it holds.";
  const least = completeQuorum({ replicas, write }).read;
  if (read > least) return `R is more than it takes: with W=${write}, R=${least} sees every write, too.`;
  return null;
}

function allOf(replicas: number): string {
  return replicas === 1 ? "the one DataNode" : `all ${replicas} DataNodes`;
}

function count(tolerated: number): string {
  return tolerated === 0 ? "none" : String(tolerated);
}

function disks(write: number): string {
  return write === 1 ? "one disk" : `${write} disks`;
}

function nodes(write: number): string {
  return write === 1 ? "one DataNode" : `${write} DataNodes`;
}

function lossOf(lost: number): string {
  return lost === 0 ? "no loss of that disk" : `the loss of ${lost === 1 ? "one of them" : `any ${lost} of them`}`;
}

function crashOf(lost: number): string {
  return lost === 0 ? "no crash of that machine" : `a crash of ${lost === 1 ? "one of them" : `any ${lost} of them`}`;
}

function fastest(place: number): string {
  const ordinals = ["", "", "second ", "third "];
  return `the ${ordinals[place] ?? `${place}th `}fastest`;
}
