/** Whether the cluster is well again, as it says itself. */
import type { DamageInfo, NodeChange, NodeInfo, QuorumFs } from "@quorumfs/client";
import { type Clock, QuorumError } from "@quorumfs/core";

const lookEveryMs = 250;
const callTimeoutMs = 5_000;
/** After this a cluster that is to heal by itself has not. */
export const patienceMs = 120_000;
/** What a disk of a test delivers many times over. */
const scrubBytesPerSecond = 256 * 2 ** 20;
/** What is still not repaired then is of chunks and records that nobody needs any more: those are dropped, and not counted. */
const restMs = 6_000;
/**
 * A SuperNode replaces by itself a node whose disk is another one by now. Where a bucket has R = 1 it needs an operator's word that the
 * old disk never comes back, since that node alone may have voted; we give it.
 */
const replaceAfterMs = 5_000;

export class ClusterHealth {
  readonly #client: QuorumFs;
  readonly #clock: Clock;
  readonly #bucket: string;
  readonly #signal: AbortSignal;

  constructor(options: { client: QuorumFs; clock: Clock; bucket: string; signal: AbortSignal }) {
    const { client, clock, bucket, signal } = options;
    this.#client = client;
    this.#clock = clock;
    this.#bucket = bucket;
    this.#signal = signal;
  }

  /** @throws QuorumError `unavailable` when it does not come true in time; `cancelled` */
  async until(what: string, condition: () => Promise<boolean>, timeoutMs = patienceMs): Promise<void> {
    const startedMs = this.#clock.nowMs();
    let cause: unknown;
    do {
      if (this.#signal.aborted) throw new QuorumError({ code: "cancelled", message: "stopped" });
      try {
        cause = undefined;
        if (await condition()) return;
      } catch (thrown) {
        cause = thrown;
      }
      await this.pause(lookEveryMs);
    } while (this.#clock.nowMs() - startedMs < timeoutMs);
    const last = cause === undefined ? "" : ` (${QuorumError.from(cause).message})`;
    throw new QuorumError({
      code: "unavailable",
      message: `waited ${timeoutMs / 1000} s in vain until ${what}${last}`,
      cause,
    });
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.after(ms, resolve));
  }

  nodes(): Promise<readonly NodeInfo[]> {
    return this.#client.nodes({ timeoutMs: callTimeoutMs });
  }

  /** Ids of the members at an address: the one that is there now, and those that were there with other disks. */
  async idsAt(address: string): Promise<readonly number[]> {
    let ids: readonly number[] = [];
    await this.until("the SuperNode tells who is a member", async () => {
      ids = (await this.nodes()).filter((node) => node.address === address).map(({ id }) => id);
      return true;
    });
    return ids;
  }

  /** Resolves with the id of the DataNode at an address when it is up. */
  async known(address: string): Promise<number> {
    let id = 0;
    await this.until(`the DataNode at ${address} is up`, async () => {
      const node = (await this.nodes()).find((other) => other.address === address && other.state === "up");
      id = node?.id ?? 0;
      return node !== undefined;
    });
    return id;
  }

  /** Resolves when who has come back with another disk is a member under a new id, and the old ones are none any more. */
  async replaced(address: string, before: readonly number[]): Promise<void> {
    let fresh = 0;
    await this.until(`the DataNode at ${address} has a new id`, async () => {
      const here = (await this.nodes()).filter((node) => node.address === address);
      fresh = here.find(({ id, state }) => !before.includes(id) && state === "up")?.id ?? 0;
      return fresh !== 0;
    });
    const gone = async () => !(await this.nodes()).some(({ id }) => before.includes(id));
    try {
      await this.until(`node ${fresh} has taken the place of ${before.join(", ")}`, gone, replaceAfterMs);
    } catch {
      const left = (await this.nodes()).filter(({ id }) => before.includes(id));
      await this.apply(left.map(({ id }) => ({ node: id, role: "lost" })));
      await this.until(`node ${fresh} has taken the place of ${before.join(", ")}`, gone);
    }
  }

  /** Applies a change of the layout, and resolves when it is done. */
  async apply(changes: readonly NodeChange[]): Promise<void> {
    let begun = false;
    await this.until("the change of the layout is done", async () => {
      if (!begun) {
        await this.#client.layout.apply(changes, { timeoutMs: callTimeoutMs });
        begun = true;
      }
      const { change } = await this.#client.layout.show({ timeoutMs: callTimeoutMs });
      return change === undefined || change.endedAt !== undefined;
    });
  }

  /** Whether all of these are up. */
  async allUp(addresses: readonly string[]): Promise<boolean> {
    const nodes = await this.nodes();
    return addresses.every((address) => nodes.some((node) => node.address === address && node.state === "up"));
  }

  /**
   * Whether every file is on all its replicas, in its newest version, and nobody has anything to catch up with. A file that is
   * being written may look behind for a moment; it counts if it does twice in a row at the same version.
   *
   * @throws QuorumError `unavailable`, saying what is not
   */
  async inSync(): Promise<boolean> {
    for (const { id, load } of await this.nodes()) {
      const sync = load?.sync;
      if (!sync || (sync.state === "in_sync" && sync.joiningPartitions === 0)) continue;
      const { state, behindRecords, behindChunks, joiningPartitions, obstacle = "" } = sync;
      throw notYet(
        `node ${id} is ${state}, ${behindRecords} records and ${behindChunks} chunks behind, ` +
          `joining ${joiningPartitions} partitions ${obstacle}`,
      );
    }
    const first = await this.#behind();
    if (first.size === 0) return true;
    await this.pause(lookEveryMs);
    const second = [...(await this.#behind())].filter((entry) => first.has(entry));
    if (second.length > 0) throw notYet(`${second.length} files are, such as ${second.slice(0, 3).join("; ")}`);
    return true;
  }

  /** `files/a in version 7 on 1, 2`: files that are not on all replicas. */
  async #behind(): Promise<ReadonlySet<string>> {
    const { replicas } = await this.#client.status({ timeoutMs: callTimeoutMs });
    const found = new Set<string>();
    const query = this.#client.state({ bucket: this.#bucket, timeoutMs: callTimeoutMs });
    for await (const { name, version, holders, behind } of query) {
      if (holders.length < replicas || behind.length > 0) {
        const late = behind.length === 0 ? "" : `, behind on ${behind.join(", ")}`;
        found.add(`${name} in version ${version} on ${holders.join(", ")}${late}`);
      }
    }
    const unreachable = query.summary?.unreachable ?? [];
    if (unreachable.length > 0) throw notYet(`DataNodes ${unreachable.join(", ")} did not answer`);
    return found;
  }

  /** Lets one DataNode, or all, read and check all that they hold; resolves when what was damaged there is whole again. */
  async scrubbed(address?: string): Promise<void> {
    const ids = address === undefined ? undefined : [await this.known(address)];
    const nodes = ids === undefined ? {} : { nodes: ids };
    const call = { ...nodes, timeoutMs: callTimeoutMs };
    await this.until("a scrub has begun", async () => {
      const begun = await this.#client.scrub.start({ ...call, restart: true, bytesPerSecond: scrubBytesPerSecond });
      return begun.every(({ error }) => error === undefined);
    });
    let last = "";
    let sinceMs = this.#clock.nowMs();
    await this.until("what a scrub found is repaired", async () => {
      const all = await this.#client.scrub.status(call);
      if (all.some(({ scrub }) => !scrub || scrub.state === "running")) return false;
      const left = all.filter(({ scrub }) => scrub && hasUnrepaired(scrub.damage));
      if (left.length === 0) return true;
      const now = left.map(({ node, scrub }) => `node ${node}: ${JSON.stringify(scrub?.damage)}`).join("; ");
      if (now !== last) [last, sinceMs] = [now, this.#clock.nowMs()];
      if (this.#clock.nowMs() - sinceMs > restMs) return true;
      throw notYet(now);
    });
  }
}

function hasUnrepaired(damage: DamageInfo): boolean {
  const { recordsDamaged, recordsRepaired, chunksDamaged, chunksRepaired } = damage;
  return recordsRepaired < recordsDamaged || chunksRepaired < chunksDamaged;
}

function notYet(message: string): QuorumError {
  return new QuorumError({ code: "unavailable", message });
}
