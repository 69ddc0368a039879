/** Checks of where files are and what protects them: quorums, zones, space, layout, copies that are behind or damaged. */
import { formatBytes } from "@quorumfs/runtime/lean";
import type { BucketInfo } from "../../cluster-info.js";
import { durationText } from "../progress-line.js";
import { damagedCount, repairedCount } from "../commands/scrub.js";
import { countText } from "./count-text.js";
import { activeNodes, type Facts } from "./facts.js";
import { error, type Judgement, judged, warning } from "./finding.js";

export function checkQuorums(facts: Facts): readonly Judgement[] {
  const { buckets } = facts.status;
  const zones = new Set(activeNodes(facts).map(({ zone }) => zone)).size;
  return judged(
    buckets.flatMap((bucket) => quorumFaults(bucket, zones)),
    buckets.length === 0 ? "there are no buckets" : `of ${countText(buckets.length, "bucket")} all make sense`,
  );
}

/** What its makers may not have meant; that reads and writes overlap is seen to when a bucket is made. */
function quorumFaults(bucket: BucketInfo, zones: number): readonly Judgement[] {
  const { name, replicas, readQuorum, writeQuorum, durability } = bucket;
  const quorums = `bucket ${name} (R = ${readQuorum}, W = ${writeQuorum}, N = ${replicas})`;
  const anew = `quorums never change: copy its files to a new bucket with quorumfs sync`;
  if (replicas < 3) return [];
  const majority = Math.floor(replicas / 2) + 1;
  const faults: Judgement[] = [];
  if (writeQuorum === 1) {
    const where = durability === "memory" ? "in the memory of one node" : "on one disk";
    faults.push(
      warning(
        `${quorums}: a write is acknowledged when it is ${where}; if that is lost before the others have it, the write is lost`,
        `${anew}, with W = ${majority}`,
      ),
    );
  }
  if (writeQuorum === replicas) {
    faults.push(
      warning(
        `${quorums}: a single node that is away stops all writes`,
        `if that is not meant, ${anew}, with W = ${majority}`,
      ),
    );
  }
  if (readQuorum === replicas) {
    faults.push(
      warning(
        `${quorums}: a single node that is away stops all reads`,
        `if that is not meant, ${anew}, with R = ${majority}`,
      ),
    );
  }
  if (faults.length === 0 && readQuorum + writeQuorum > replicas + 1) {
    faults.push(
      warning(
        `${quorums}: R + W = ${replicas + 1} is as consistent, and tolerates more`,
        `${anew}, with R = ${replicas + 1 - writeQuorum}`,
      ),
    );
  }
  if (durability === "memory" && zones < 2 && writeQuorum > 1) {
    faults.push(
      warning(
        `bucket ${name} keeps what is acknowledged in memory, and all DataNodes are in one zone: a power failure there loses the newest writes`,
        "start DataNodes in different zones (--zone), or use a bucket with durability fsync for what must not be lost",
      ),
    );
  }
  return faults;
}

export function checkZones(facts: Facts): readonly Judgement[] {
  const { replicas } = facts.status;
  const capacities = new Map<string, number>();
  for (const { zone, capacityBytes } of activeNodes(facts)) {
    capacities.set(zone, (capacities.get(zone) ?? 0) + capacityBytes);
  }
  const zones = [...capacities.keys()].map((zone) => zone || "none");
  if (zones.length <= 1) {
    return judged(
      [],
      "not used: all DataNodes are in one, so name racks or machines by --zone if one of them may fail",
    );
  }
  if (zones.length < replicas) {
    const share = Math.ceil(replicas / zones.length);
    return [
      warning(
        `${zones.length} zones (${zones.join(", ")}) cannot hold ${replicas} copies apart: up to ${share} copies of a file are lost with one of them`,
        `put DataNodes into ${replicas} zones or more`,
      ),
    ];
  }
  const [smallest, second] = [...capacities].sort(([, a], [, b]) => a - b);
  // With as many zones as copies each has a copy of everything.
  const isTight = zones.length === replicas && smallest && second && smallest[1] < second[1] / 2;
  return judged(
    isTight
      ? [
          warning(
            `zone ${smallest[0]} has ${formatBytes(smallest[1])}, the next one ${formatBytes(second[1])}, and each must hold one copy of everything`,
            `add DataNodes to zone ${smallest[0]}: it is full first, and the others can use no more than that`,
          ),
        ]
      : [],
    `${zones.length} zones (${zones.join(", ")}) for ${replicas} copies`,
  );
}

const usedWarn = 0.85;
const usedApartMax = 0.3;
const unevenMax = 0.1;

export function checkSpace({ status, layout }: Facts): readonly Judgement[] {
  const known = status.nodes.flatMap(({ id, state, load }) => {
    if (!load || state === "down") return [];
    const total = load.diskUsedBytes + load.diskFreeBytes;
    return [{ id, full: load.full, freeBytes: load.diskFreeBytes, used: total === 0 ? 0 : load.diskUsedBytes / total }];
  });
  const faults = known.flatMap(({ id, full, used, freeBytes }): readonly Judgement[] => {
    const space = `the disk of node ${id} is ${percent(used)} full, ${formatBytes(freeBytes)} are free`;
    const advice = "free some, make the disk larger, or add DataNodes and run quorumfs layout apply";
    if (full) return [error(`${space}: it takes no new content`, advice, id)];
    return used >= usedWarn ? [warning(space, advice, id)] : [];
  });
  const used = known.map((node) => node.used);
  const apart = Math.max(0, ...used) - Math.min(1, ...used);
  if (faults.length === 0 && apart > usedApartMax) {
    faults.push(
      warning(
        `disks are filled differently, from ${percent(Math.min(...used))} to ${percent(Math.max(...used))}`,
        "tell nodes with smaller disks their share by --capacity, and run quorumfs layout apply",
      ),
    );
  }
  const empty = layout.change
    ? []
    : layout.shares.filter(({ node, partitions }) => partitions === 0 && isActive(status.nodes, node));
  for (const { node } of empty) {
    faults.push(
      warning(`node ${node} has joined, but holds no files`, "give it its share: quorumfs layout apply", node),
    );
  }
  if (empty.length === 0 && !layout.change && layout.unevenness > unevenMax) {
    faults.push(
      warning(
        `a node's part of the files is ${percent(layout.unevenness)} off what its capacity entitles it to`,
        "even it out: quorumfs layout apply",
      ),
    );
  }
  return judged(faults, `disks are ${percent(Math.max(0, ...used))} full at most`);
}

function isActive(nodes: Facts["status"]["nodes"], node: number): boolean {
  return nodes.some(({ id, role }) => id === node && role === "active");
}

const percent = (fraction: number): string => `${(fraction * 100).toFixed(0)} %`;

// A change that gets on publishes a step several times a second, and none lasts longer than copying its files.
const stuckAfterMs = 24 * 60 * 60 * 1000;

export function checkLayout({ layout, nowMs }: Facts): readonly Judgement[] {
  const { number, change } = layout;
  if (!change)
    return judged([], number === undefined ? "none yet: the cluster is forming" : `layout ${number}, nothing moves`);
  const { reason, movesDone, movesTotal, remainingMs, obstacles, startedAt } = change;
  const advice = "clear what is in its way; quorumfs layout show --follow watches it, quorumfs layout stop ends it";
  const faults = obstacles.map((obstacle) =>
    warning(`the change of the layout (${reason}) is held up: ${obstacle}`, advice),
  );
  const forMs = nowMs - startedAt.getTime();
  if (faults.length === 0 && forMs > stuckAfterMs) {
    faults.push(warning(`the change of the layout (${reason}) has gone on for ${durationText(forMs / 1000)}`, advice));
  }
  const left = remainingMs === undefined ? "" : `, ${durationText(remainingMs / 1000)} left`;
  return judged(faults, `layout ${number ?? 0}, moving (${reason}): ${movesDone} of ${movesTotal} partitions${left}`);
}

export function checkCopies({ status }: Facts): readonly Judgement[] {
  const up = status.nodes.filter(({ state }) => state !== "down");
  const faults = up.flatMap(({ id, load }): readonly Judgement[] => {
    const sync = load?.sync;
    if (!sync) return [];
    const { behindRecords, behindChunks, behindBytes, remainingMs, obstacle } = sync;
    if (behindRecords + behindChunks === 0 && obstacle === undefined) return [];
    const left = remainingMs === undefined ? "" : `, ${durationText(remainingMs / 1000)} left`;
    const lacks = `node ${id} lacks ${behindRecords} records and ${behindChunks} chunks (${formatBytes(behindBytes)}${left})`;
    return [
      obstacle === undefined
        ? warning(lacks, "it catches up by itself; leave the other nodes running until then", id)
        : warning(
            `node ${id} gets no further: ${obstacle}`,
            "see quorumfs node list; start the nodes that it waits for",
            id,
          ),
    ];
  });
  const comparing = up.filter(({ load }) => load?.sync?.state === "comparing").map(({ id }) => id);
  const well =
    comparing.length === 0
      ? "no node is behind"
      : `no node is known to be behind; node ${comparing.join(", ")} compares`;
  return judged(faults, well);
}

export function checkDamage({ status }: Facts): readonly Judgement[] {
  const faults = status.nodes.flatMap(({ id, load }): readonly Judgement[] => {
    if (!load) return [];
    const open = damagedCount(load.damage) - repairedCount(load.damage);
    if (open <= 0) return [];
    return [
      warning(
        `node ${id} has found ${countText(open, "damaged record or chunk")} that is not repaired yet`,
        `repair goes on as long as other copies can be reached; see quorumfs scrub status, and the log of node ${id}`,
        id,
      ),
    ];
  });
  const repaired = status.nodes.reduce((sum, { load }) => sum + (load ? repairedCount(load.damage) : 0), 0);
  return judged(faults, repaired === 0 ? "none was found" : `${repaired} found so far, all repaired`);
}

export function checkEvents({ errors }: Facts): readonly Judgement[] {
  // Who is down is told of by another check, and who is back is well.
  const open = errors.filter(({ kind }) => kind !== "node.down");
  const [newest] = open;
  if (!newest) return judged([], "no errors in the last hour");
  return [
    warning(
      `${countText(open.length, "error")} in the last hour, the newest: ${newest.message}`,
      "quorumfs events --severity error --since 1h",
    ),
  ];
}
