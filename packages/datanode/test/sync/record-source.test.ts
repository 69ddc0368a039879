import { describe, expect, test } from "@jest/globals";
import {
  type Channel,
  fileHashOf,
  type Layout,
  partitionOf,
  subRangeCount,
  subRangeOf,
  SubRangeSet,
} from "@quorumfs/core";
import { SyncServiceService } from "@quorumfs/proto";
import { silentLog } from "@quorumfs/runtime";
import { recordKey } from "../../src/replica/record-key.js";
import type { ReplicaContext } from "../../src/replica/replica-context.js";
import { Digests } from "../../src/sync/digests.js";
import { PartitionGate } from "../../src/sync/partition-gate.js";
import { type PulledPage, type PulledRecord, pullRecords, type PullSelection } from "../../src/sync/pull-records.js";
import { RecordSource } from "../../src/sync/record-source.js";
import { syncRoutes } from "../../src/sync/sync-routes.js";
import { accept, ask, ballot, context, files, layout, openReplica, tombstoneOf } from "../replica/fixture.js";
import { MemoryDisk } from "../replica/memory-disk.js";
import { MemoryNetwork } from "../support/memory-network.js";
import { StepClock } from "../support/step-clock.js";

const everything: readonly PullSelection[] = layout.partitions.map((_, partition) => ({ partition, layout: 1 }));

/** A node that tells of its records, and another one that asks. */
class Subject {
  readonly clock = new StepClock();
  readonly disk = new MemoryDisk();
  readonly replica = openReplica(this.disk, { clock: this.clock }).replica;
  layout: Layout = layout;
  /** What a question for a newer view brings. */
  newerLayout: Layout | undefined;
  held = (_partition: number): boolean => true;
  busy = false;
  readonly #network = new MemoryNetwork();

  async start(): Promise<this> {
    const own: ReplicaContext = {
      ...context,
      layout: () => this.layout,
      holds: (partition) => this.held(partition),
      newerLayout: async (isThere) => {
        if (!isThere() && this.newerLayout) this.layout = this.newerLayout;
        return isThere();
      },
    };
    const { clock, replica } = this;
    const gate = new PartitionGate(own);
    const isBusy = () => this.busy;
    const records = new RecordSource({ replica, context: own, gate, clock, isBusy });
    const digests = new Digests({ disk: this.disk, clock, log: silentLog, isBusy, partitions: () => undefined });
    const routes = syncRoutes({ context: own, gate, digests, records });
    await this.#network.listen({ host: "source", port: 1, routes });
    return this;
  }

  connect(identity: Readonly<Record<string, string>> = member): Channel {
    const given = new Map(Object.entries(identity));
    return this.#network.connect({ address: "source:1", purpose: "bulk", identity: given });
  }

  readonly pull = (partitions: readonly PullSelection[] = everything, after?: string): AsyncGenerator<PulledPage> => {
    const { clock } = this;
    const { signal } = new AbortController();
    const position = after === undefined ? {} : { after: { bucket: files, path: after } };
    return pullRecords({ channel: this.connect(), partitions, clock, signal, ...position });
  };

  readonly all = (partitions?: readonly PullSelection[], after?: string): Promise<Pulled> =>
    collect(this.pull(partitions, after));
}

interface Pulled {
  readonly records: readonly PulledRecord[];
  readonly floors: ReadonlyMap<number, number>;
}

async function collect(pages: AsyncIterable<PulledPage>): Promise<Pulled> {
  const records: PulledRecord[] = [];
  for await (const page of pages) {
    if (page.kind === "floors") return { records, floors: page.floors };
    records.push(...page.records);
  }
  throw new Error("it ended without floors");
}

const member = { "quorumfs-cluster": "test-cluster", "quorumfs-node": "2" };
const paths = ({ records }: Pulled) => records.map(({ path }) => path);
const partitionWith = (path: string) => partitionOf(files, path);
const subRangeWith = (path: string) => subRangeOf(fileHashOf(recordKey(files, path).bytes));

function withLayout(partition: number, number: number): Layout {
  return {
    ...layout,
    number,
    partitions: layout.partitions.map((assignment, index) =>
      index === partition ? { ...assignment, layout: number } : assignment,
    ),
  };
}

describe("the records of all partitions", () => {
  test("come in order of path, in outline, with the floors behind them", async () => {
    const { replica, all } = await started();
    await ask(replica, "b", accept(3));
    await ask(replica, "a", accept(2, tombstoneOf(2)));
    await ask(replica, "b", { kind: "commit", ballot: ballot(3) });
    const { records, floors } = await all();
    expect(records).toEqual([
      { ...outline("a", 2), isTombstone: true, size: 0 },
      { ...outline("b", 3), committed: ballot(3), size: "content 3".length },
    ]);
    expect(floors.size).toBe(layout.partitions.length);
    expect(new Set(floors.values())).toEqual(new Set([0]));
  });

  test("more than one message has; resumed behind a path", async () => {
    const { replica, all } = await started();
    const names = Array.from({ length: 2500 }, (_, index) => `file-${String(index).padStart(4, "0")}`);
    await Promise.all(names.map((name) => ask(replica, name, accept(1))));
    expect(paths(await all())).toEqual(names);
    expect(paths(await all(everything, "file-2398"))).toEqual(names.slice(2399));
  });

  test("a damaged one is marked", async () => {
    const { replica, disk, all } = await started();
    await ask(replica, "a", accept(1));
    const records = disk.table("records");
    for (const { key } of records.rows) records.put(key, Buffer.from("damaged"));
    expect((await all()).records).toEqual([{ kind: "corrupt", bucket: files, path: "a" }]);
  });
});

test("of some partitions and sub-ranges, only those", async () => {
  const { replica, all } = await started();
  await Promise.all(Array.from({ length: 3000 }, (_, index) => ask(replica, `file-${index}`, accept(1))));
  const wanted = (path: string) => partitionWith(path) === partitionWith("file-7");
  const partition = partitionWith("file-7");
  const one = await all([{ partition, layout: 1 }]);
  expect(paths(one)).toContain("file-7");
  expect(paths(one).filter((path) => !wanted(path))).toEqual([]);
  expect([...one.floors.keys()]).toEqual([partition]);
  const others = Array.from({ length: subRangeCount }, (_, index) => index).filter(
    (index) => index !== subRangeWith("file-7"),
  );
  const without = await all([{ partition, layout: 1, subRanges: SubRangeSet.of(others) }]);
  expect(paths(without)).toEqual(paths(one).filter((path) => subRangeWith(path) !== subRangeWith("file-7")));
  const only = await all([{ partition, layout: 1, subRanges: SubRangeSet.of([subRangeWith("file-7")]) }]);
  expect(paths(only)).toEqual(paths(one).filter((path) => subRangeWith(path) === subRangeWith("file-7")));
});

describe("what is told", () => {
  test("is durable: a vote that the disk does not have yet is waited for", async () => {
    const { replica, disk, all } = await started();
    disk.hold();
    const voted = ask(replica, "a", accept(1));
    const pulled = all();
    let isTold = false;
    void pulled.then(() => (isTold = true));
    for (let turn = 0; turn < 50; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
    expect(isTold).toBe(false);
    disk.release();
    await voted;
    expect(paths(await pulled)).toEqual(["a"]);
  });

  test("of what is erased meanwhile: the record, or a floor that it is below", async () => {
    const { replica, pull } = await started();
    const names = Array.from({ length: 3000 }, (_, index) => `file-${index}`);
    await Promise.all(names.map((name) => ask(replica, name, accept(5, tombstoneOf(5)))));
    const erase = (name: string) => ask(replica, name, { kind: "erase", ballot: ballot(5) });
    const records: PulledRecord[] = [];
    let floors: ReadonlyMap<number, number> = new Map();
    for await (const page of pull()) {
      if (page.kind === "floors") floors = page.floors;
      else records.push(...page.records);
      // While the first pages are looked at, everything goes.
      if (names.length > 0) await Promise.all(names.splice(0, 1500).map(erase));
    }
    const told = new Set(records.map(({ path }) => path));
    expect(told.size).toBeGreaterThan(0);
    expect(told.size).toBeLessThan(3000);
    for (let index = 0; index < 3000; index += 1) {
      const name = `file-${index}`;
      const isBelowFloor = (floors.get(partitionWith(name)) ?? 0) >= 5;
      expect({ name, known: told.has(name) || isBelowFloor }).toEqual({ name, known: true });
    }
  });

  test("comes to its end while clients need the node, and says something every few seconds", async () => {
    const subject = await started();
    await Promise.all(Array.from({ length: 3000 }, (_, index) => ask(subject.replica, `${index}`, accept(1))));
    subject.busy = true;
    let done = false;
    const pulled = subject.all().finally(() => (done = true));
    while (!done) await subject.clock.pass(10);
    expect((await pulled).records).toHaveLength(3000);
  });
});

describe("layouts", () => {
  const at = (layoutNumber: number, path = "a") => [{ partition: partitionWith(path), layout: layoutNumber }];

  test("an older one than this node's is refused for good", async () => {
    const subject = await started();
    subject.layout = withLayout(partitionWith("a"), 5);
    await expect(subject.all(at(4))).rejects.toMatchObject({ code: "precondition_failed" });
    await expect(subject.all(at(5))).resolves.toMatchObject({ records: [] });
  });

  test("for a newer one this node asks around first", async () => {
    const subject = await started();
    await expect(subject.all(at(5))).rejects.toMatchObject({ code: "unavailable" });
    subject.newerLayout = withLayout(partitionWith("a"), 5);
    await expect(subject.all(at(5))).resolves.toMatchObject({ records: [] });
  });

  test("of a partition that it does not hold it says nothing", async () => {
    const subject = await started();
    subject.held = (partition) => partition !== partitionWith("a");
    await expect(subject.all(at(1))).rejects.toMatchObject({ code: "unavailable" });
    await expect(subject.all([{ partition: 1024, layout: 1 }])).rejects.toMatchObject({ code: "invalid_argument" });
  });

  test("one that changes on the way: nobody takes what was told for all there is", async () => {
    const subject = await started();
    const { replica } = subject;
    await ask(replica, "a", accept(1));
    const pages = subject.pull(at(1));
    await pages.next();
    subject.layout = withLayout(partitionWith("a"), 2);
    await expect(collect(pages)).rejects.toMatchObject({ code: "precondition_failed" });
  });
});

describe("who asks", () => {
  const request = { partitions: [], afterBucket: 0, afterPath: "" };

  test.each([
    ["a client", {}],
    ["another cluster's node", { ...member, "quorumfs-cluster": "other" }],
    ["no member", { ...member, "quorumfs-node": "9" }],
    ["the SuperNode", { ...member, "quorumfs-node": "0" }],
  ])("%s is not told", async (_name, identity) => {
    const subject = await started();
    const channel = subject.connect(identity);
    const stream = channel.serverStream(SyncServiceService.pullRecords, request, { timeoutMs: 1000 });
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "permission_denied" });
    const compared = channel.unary(SyncServiceService.compareDigests, { partitions: [] }, { timeoutMs: 1000 });
    await expect(compared).rejects.toMatchObject({ code: "permission_denied" });
  });

  test("many at a time wait for their turn; more than that are sent away; who leaves makes room", async () => {
    const { all, pull, replica } = await started();
    await ask(replica, "a", accept(1));
    const open = Array.from({ length: 64 }, () => pull());
    const first = open.map((pages) => pages.next());
    for (let turn = 0; turn < 20; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
    await expect(all()).rejects.toMatchObject({ code: "resource_exhausted" });
    for (const [index, pages] of open.entries()) {
      await first[index];
      await pages.return(undefined);
    }
    expect(paths(await all())).toEqual(["a"]);
  });
});

function outline(path: string, counter: number) {
  return {
    kind: "record",
    bucket: files,
    path,
    accepted: ballot(counter),
    committed: { counter: 0, node: 0, incarnation: 0 },
    isTombstone: false,
  };
}

function started(): Promise<Subject> {
  return new Subject().start();
}
