import { describe, expect, test } from "@jest/globals";
import {
  ceilingStride,
  type Effects,
  Mutation,
  type MutationOutcome,
  nodeId,
  QuorumError,
  type ReplicaReply,
  type ReplicaRequest,
  type Value,
} from "@quorumfs/core";
import { Durability } from "@quorumfs/proto";
import { silentLog, systemClock } from "@quorumfs/runtime";
import { ClusterView } from "../../src/cluster/cluster-view.js";
import type { Done, SettleRequest, Settled } from "../../src/coordinator/coordinator.js";
import { RecordRepair } from "../../src/coordinator/record-repair.js";
import type { LocalReplica } from "../../src/replica/local-replica.js";
import { recordKey } from "../../src/replica/record-key.js";
import {
  accept,
  ask,
  ballot,
  contentOf,
  context,
  files,
  openReplica,
  prepare,
  read,
  readContent,
  scratch,
  type Subject,
  tombstoneOf,
  valueOf,
} from "../replica/fixture.js";
import { MemoryDisk } from "../replica/memory-disk.js";

const file = { bucket: files, path: "a" };
const corrupt = { kind: "corrupt" };

/** The replicas of a file, and the rounds of node 1's coordinator, on a network that loses nothing. */
class Replicas {
  readonly disks = [1, 2, 3].map(() => new MemoryDisk());
  readonly subjects: Subject[] = [];
  readonly repair: RecordRepair;
  readonly #view: ClusterView;
  /** Nodes that cannot be reached. */
  readonly away = new Set<number>();
  rounds = 0;

  constructor(quorum: { readonly read: number; readonly write: number }) {
    this.disks.forEach((_, index) => this.restart(index));
    this.#view = ClusterView.of({
      clusterId: "test-cluster",
      revision: 1,
      layout: { number: 1, replicas: 3, partitions: [{ nodes: [1, 2, 3], joining: [], layout: 1 }] },
      nodes: [],
      replicas: 3,
      formerNodes: [],
      buckets: [
        {
          id: files,
          name: "files",
          readQuorum: quorum.read,
          writeQuorum: quorum.write,
          durability: Durability.DURABILITY_FSYNC,
          deleting: false,
          createdAtMs: 0,
        },
      ],
    });
    this.repair = this.repairFor(1);
  }

  repairFor(node: number): RecordRepair {
    return new RecordRepair({
      coordinator: { settle: (request, done) => this.#settle(request, done) },
      replica: {
        check: (damaged) => this.replica(0).check(damaged),
        rescue: (damaged) => this.replica(0).rescue(damaged),
        abandon: (damaged) => this.replica(0).abandon(damaged),
        reconsider: (damaged) => this.replica(0).reconsider(damaged),
      },
      store: { view: this.#view },
      self: { id: nodeId(node) },
      clock: systemClock(),
      log: silentLog,
    });
  }

  replica(index: number): LocalReplica {
    const subject = this.subjects[index];
    if (!subject) throw new Error(`there is no replica ${index}`);
    return subject.replica;
  }

  restart(index: number): void {
    const disk = this.disks[index];
    if (!disk) throw new Error(`there is no disk ${index}`);
    this.subjects[index] = openReplica(disk, { context: { ...context, self: nodeId(index + 1) } });
  }

  askAll(request: ReplicaRequest): Promise<readonly ReplicaReply[]> {
    return Promise.all(this.subjects.map(({ replica }) => ask(replica, "a", request)));
  }

  /** A bit flips in a row of node 1's disk while it is stopped. */
  flip(table: string, byte: number): void {
    const { bytes } = recordKey(files, "a");
    const row = this.disks[0]?.table(table).get(bytes);
    if (!row) throw new Error(`${table} has no such row`);
    const at = byte < 0 ? row.length + byte : byte;
    this.disks[0]?.table(table).put(
      bytes,
      row.map((one, index) => (index === at ? one ^ 4 : one)),
    );
    this.restart(0);
  }

  #settle(request: SettleRequest, done: Done<Settled>): () => void {
    const place = this.#view.place(request.bucket, request.path);
    if (!place) throw new Error("the layout has one partition");
    this.rounds += 1;
    const machine = new Mutation({
      voters: place.voters,
      self: { node: nodeId(1), incarnation: 1 },
      intent: { kind: "identity", orTombstone: request.orTombstone ?? false },
      condition: { kind: "none" },
      requestId: new Uint8Array(0),
      mayHaveRun: false,
      mayBeRepeated: false,
      seenVersion: 0,
      counterHint: this.replica(0).counterHint(request.bucket.id, request.path),
      nowMs: 0,
    });
    const end = (outcome: MutationOutcome) => {
      if (outcome.kind === "applied") {
        const { value, ballot, acknowledged } = outcome;
        done(undefined, { value, ballot, acknowledged, place });
      } else done(new QuorumError({ code: "quorum_unavailable", message: outcome.kind }), undefined);
    };
    const perform = (effects: Effects<MutationOutcome>): void => {
      for (const effect of effects) {
        if (effect.kind === "done") end(effect.outcome);
        else if (effect.kind === "timer") setImmediate(() => perform(machine.onTimer(effect.timer)));
        else
          for (const node of effect.to)
            void this.#send(node, effect.request).then((reply) => {
              perform(
                reply ? machine.onReply(effect.round, node, reply) : machine.onFailure(effect.round, node, "away"),
              );
            });
      }
    };
    perform(machine.start());
    return () => undefined;
  }

  async #send(node: number, request: ReplicaRequest): Promise<ReplicaReply | undefined> {
    return this.away.has(node) ? undefined : await ask(this.replica(node - 1), "a", request);
  }
}

const versionOf = (reply: ReplicaReply | undefined): Value["version"] | undefined =>
  reply?.kind === "state" ? reply.value?.version : undefined;

describe.each([
  [2, 2],
  [1, 3],
])("repair of a record (N=3 R=%i W=%i)", (readQuorum, write) => {
  const start = () => new Replicas({ read: readQuorum, write });

  test("a flipped bit in the header: the value is back, and the vote, above all that may have been promised", async () => {
    const replicas = start();
    await replicas.askAll(accept(3, valueOf(3, "x".repeat(5000))));
    replicas.flip("records", 30);
    expect(await ask(replicas.replica(0), "a", read)).toEqual(corrupt);
    expect(await replicas.repair.repair(file)).toBe("repaired");
    expect(contentOf(await ask(replicas.replica(0), "a", readContent))).toBe("x".repeat(5000));
    expect(await ask(replicas.replica(0), "a", read)).toMatchObject({
      accepted: { counter: ceilingStride + 1, node: 1 },
      value: { version: ballot(3) },
    });
    expect(await ask(replicas.replica(0), "a", accept(4))).toMatchObject({ kind: "nack" });
    replicas.restart(0);
    expect(await replicas.replica(0).check(file)).toBe("sound");
    expect(replicas.rounds).toBe(1);
  });

  test("a promise that the others never heard of is kept", async () => {
    const replicas = start();
    await replicas.askAll(accept(3));
    const promised = 20 * ceilingStride + 7;
    await ask(replicas.replica(0), "a", prepare(promised, 3));
    replicas.flip("records", 30);
    expect(await replicas.repair.repair(file)).toBe("repaired");
    const late = { kind: "accept", ballot: ballot(promised, 3), value: valueOf(promised) } as const;
    expect(await ask(replicas.replica(0), "a", late)).toMatchObject({ kind: "nack" });
  });

  test("a flipped bit in the promise's row: nothing is forgotten, and the row is gone", async () => {
    const replicas = start();
    await replicas.askAll(accept(3));
    await ask(replicas.replica(0), "a", prepare(5));
    replicas.flip("promises", 2);
    expect(await replicas.repair.repair(file)).toBe("repaired");
    expect(replicas.disks[0]?.table("promises").count()).toBe(0);
    expect(versionOf(await ask(replicas.replica(0), "a", read))).toEqual(ballot(3));
  });

  test.each([
    ["in its record", "records", 100],
    ["in its own row", "contents", 5000],
  ])("a flipped bit in content %s: an ordinary round brings it back", async (_where, table, size) => {
    const replicas = start();
    await replicas.askAll(accept(3, valueOf(3, "x".repeat(size))));
    replicas.flip(table, -5);
    expect(await replicas.repair.repair(file)).toBe("repaired");
    expect(contentOf(await ask(replicas.replica(0), "a", readContent))).toBe("x".repeat(size));
    // It has forgotten nothing, so there is no reason to leap.
    expect(await ask(replicas.replica(0), "a", read)).toMatchObject({ accepted: { counter: 4, node: 1 } });
  });

  test("content lost of a value that only this node has: given up, for it was never chosen", async () => {
    const replicas = start();
    await replicas.askAll(accept(3));
    await ask(replicas.replica(0), "a", accept(4, valueOf(4, "dangling")));
    replicas.flip("records", -2);
    expect(await replicas.repair.repair(file)).toBe("repaired");
    for (const reply of await replicas.askAll(read)) expect(versionOf(reply)).toEqual(ballot(3));
    expect(replicas.rounds).toBe(2);
  });

  test("content lost of such a value while nobody else is there: the vote counts again", async () => {
    const replicas = start();
    await replicas.askAll(accept(3));
    await ask(replicas.replica(0), "a", accept(4, valueOf(4, "dangling")));
    replicas.flip("records", -2);
    replicas.away.add(3);
    expect(await replicas.repair.repair(file)).toBe("failed");
    expect(versionOf(await ask(replicas.replica(0), "a", read))).toEqual(ballot(4));
  });

  test("a record of which the others have nothing: a tombstone", async () => {
    const replicas = start();
    await ask(replicas.replica(0), "a", accept(1));
    replicas.flip("records", 30);
    expect(await replicas.repair.repair(file)).toBe("repaired");
    const replies = await replicas.askAll(read);
    for (const reply of replies) expect(reply).toMatchObject({ value: { kind: "tombstone", ring: [] } });
  });

  test("a tombstone stays a tombstone", async () => {
    const replicas = start();
    await replicas.askAll(accept(3, tombstoneOf(3)));
    replicas.flip("records", 30);
    expect(await replicas.repair.repair(file)).toBe("repaired");
    expect(versionOf(await ask(replicas.replica(0), "a", read))).toEqual(ballot(3));
  });

  test("one of the others is away: not repaired, and never said to be; it is when that one is back", async () => {
    const replicas = start();
    await replicas.askAll(accept(3));
    replicas.flip("records", 30);
    replicas.away.add(2);
    expect(await replicas.repair.repair(file)).toBe("failed");
    expect(await ask(replicas.replica(0), "a", read)).toEqual(corrupt);
    replicas.away.clear();
    expect(await replicas.repair.repair(file)).toBe("repaired");
  });

  test("damage that is found on the disk while memory has the record: repaired as it is known", async () => {
    const replicas = start();
    await replicas.askAll(accept(3));
    const { replica } = replicas.subjects[0] ?? {};
    replicas.flip("records", 30);
    if (!replica) throw new Error("node 1 has a replica");
    replicas.subjects.splice(0, 1, { replica, failures: [], damaged: [] });
    expect(await replicas.repair.repair(file)).toBe("repaired");
    expect(await ask(replica, "a", read)).toMatchObject({ accepted: { counter: 4, node: 1 } });
  });
});

describe("repair of a record", () => {
  test("where every promise is needed (R=N) the lost vote may have been the only one: not repaired", async () => {
    const replicas = new Replicas({ read: 3, write: 1 });
    await replicas.askAll(accept(3));
    replicas.flip("records", 30);
    expect(await replicas.repair.repair(file)).toBe("failed");
    expect(await ask(replicas.replica(0), "a", read)).toEqual(corrupt);
  });

  test("nothing is damaged, or nothing there: no round", async () => {
    const replicas = new Replicas({ read: 2, write: 2 });
    await replicas.askAll(accept(3));
    expect(await replicas.repair.repair(file)).toBe("repaired");
    expect(await replicas.repair.repair({ ...file, path: "b" })).toBe("gone");
    expect(replicas.rounds).toBe(0);
  });

  test("a node that holds the file no more has nothing to repair", async () => {
    const replicas = new Replicas({ read: 2, write: 2 });
    await replicas.askAll(accept(3));
    replicas.flip("records", 30);
    expect(await replicas.repairFor(4).repair(file)).toBe("gone");
  });

  test("a record of a bucket that was deleted is not worth a round", async () => {
    const replicas = new Replicas({ read: 2, write: 2 });
    const stray = { bucket: scratch, path: "a" };
    await ask(replicas.replica(0), "a", accept(3), { bucket: scratch });
    expect(await replicas.replica(0).check(stray)).toBe("sound");
    const { bytes } = recordKey(scratch, "a");
    const row = replicas.disks[0]?.table("records").get(bytes);
    replicas.disks[0]?.table("records").put(bytes, Buffer.from(row ?? []).fill(0, 20, 24));
    replicas.restart(0);
    expect(await replicas.repair.repair(stray)).toBe("gone");
    expect(replicas.rounds).toBe(0);
  });
});
