import { describe, expect, test } from "@jest/globals";
import { bucketId, inlineBytesMax, nodeId, QuorumError, type RangeEntry, type Value } from "@quorumfs/core";
import { silentLog } from "@quorumfs/runtime";
import type { FileOwner } from "../../src/chunk/chunk-key.js";
import type { CurrentFile } from "../../src/content/current-file.js";
import { OwnerWalks, type WalkResult } from "../../src/content/owner-walks.js";
import type { ScannedEntry } from "../../src/replica/messages.js";
import type { SettleRequest } from "../../src/coordinator/coordinator.js";
import { StepClock } from "../support/step-clock.js";
import { clusterOf, owner, upload } from "./fixture.js";

const version = { counter: 7, node: 1, incarnation: 1 };
const ranges = [{ upload: upload(1), first: 0, count: 2 }];

function valueOf(kind: Value["kind"], size: number): Value {
  const content = { kind: "omitted" } as const;
  const etag = new Uint8Array(32);
  return { kind, version, size, etag, modifiedAtMs: 0, content, attributes: new Map(), ring: [] };
}

const live: CurrentFile = { value: valueOf("live", inlineBytesMax + 1), extents: [], ranges };
const deleted: CurrentFile = { value: valueOf("tombstone", 0), extents: [], ranges: [] };

/** Walks over what the test says that there is. */
class Subject {
  readonly clock = new StepClock();
  readonly kept: unknown[] = [];
  readonly released: string[] = [];
  readonly told: string[] = [];
  readonly asked: string[] = [];
  owners: readonly FileOwner[] = [];
  lapsed: readonly FileOwner[] = [];
  /** What each page of records has. */
  entries: readonly RangeEntry[] = [];
  pages = 1;
  pagesRead = 0;
  found: CurrentFile | undefined = live;
  settled: CurrentFile | undefined = deleted;
  failure: QuorumError | undefined;
  wasNamed = false;
  busy = false;
  refreshed = 0;
  readonly #signal = new AbortController().signal;
  readonly #walks: OwnerWalks;

  /** @param local number of the node that walks */
  constructor(
    options: { readonly local?: number; readonly down?: readonly number[]; readonly ownersPerSecond?: number } = {},
  ) {
    const { local = 1, down, ownersPerSecond = 20 } = options;
    this.#walks = new OwnerWalks({
      chunks: {
        keep: async ({ path }, ballot, named, keepOptions) => {
          this.kept.push({ path, counter: ballot.counter, ranges: named.length, ...keepOptions });
        },
        release: async ({ path }) => void this.released.push(path),
        owners: () => stream(this.owners),
        wasNamed: () => this.wasNamed,
        lapsedUploads: () => stream(this.lapsed.map((file) => ({ owner: file }))),
      },
      replica: { scan: () => this.#scan() },
      current: {
        read: ({ path }) => this.#answer(`read ${path}`, this.found),
        settle: (file) => this.#answer(nameOf(file), this.settled),
      },
      notices: {
        tell: (node, { owner: { path } }) => void this.told.push(`${node}: ${path}`),
        tellAll: ({ owner: { path } }) => void this.told.push(`all: ${path}`),
      },
      store: { view: clusterOf(3, down).view },
      isLocal: (node) => node === local,
      clock: this.clock,
      log: silentLog,
      isBusy: () => this.busy,
      refresh: async () => void (this.refreshed += 1),
      ownersPerSecond,
    });
  }

  async *#scan(): AsyncGenerator<readonly ScannedEntry[]> {
    while (this.pagesRead < this.pages) {
      this.pagesRead += 1;
      yield await Promise.resolve(this.entries.map((entry) => ({ bucket: owner.bucket, entry })));
    }
  }

  async #answer(question: string, answer: CurrentFile | undefined): Promise<CurrentFile | undefined> {
    this.asked.push(question);
    if (this.failure) throw this.failure;
    return answer;
  }

  begin(kind: "lapsed" | "owners" | "holders"): Promise<WalkResult> {
    const audience = new Set([nodeId(3)]);
    return kind === "holders" ? this.#walks.holders(audience, this.#signal) : this.#walks[kind](this.#signal);
  }

  /** Walks, while time passes. */
  async walk(kind: "lapsed" | "owners" | "holders"): Promise<WalkResult> {
    const walking = this.begin(kind);
    await this.clock.pass(10_000);
    return walking;
  }
}

async function* stream<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  for (const item of items) yield await Promise.resolve(item);
}

function nameOf({ path, orTombstone }: SettleRequest): string {
  return `settle ${path}${orTombstone === true ? " or make a tombstone" : ""}`;
}

const file = (path: string): FileOwner => ({ ...owner, path });

describe("the walk over lapsed uploads", () => {
  test("settles each file once, a tombstone where there is none, and applies what it finds", async () => {
    const subject = new Subject();
    subject.lapsed = [file("a"), file("a"), file("b")];
    expect(await subject.walk("lapsed")).toEqual({ checked: 2, failed: 0 });
    expect(subject.asked).toEqual(["settle a or make a tombstone", "settle b or make a tombstone"]);
    const applied = { counter: 7, ranges: 0, afterIdentityRound: true };
    expect(subject.kept).toEqual([
      { path: "a", ...applied },
      { path: "b", ...applied },
    ]);
  });

  test("what cannot be settled stays, and is counted", async () => {
    const subject = new Subject();
    subject.lapsed = [file("a"), file("b")];
    subject.failure = new QuorumError({ code: "quorum_unavailable", message: "one answer of two" });
    expect(await subject.walk("lapsed")).toEqual({ checked: 2, failed: 2 });
    expect(subject.kept).toEqual([]);
  });

  test.each(["lapsed", "owners"] as const)(
    "%s: of a bucket that is gone, nothing is kept; the SuperNode was asked first",
    async (walk) => {
      const subject = new Subject();
      subject[walk] = [{ bucket: bucketId(77), path: "a" }];
      expect(await subject.walk(walk)).toEqual({ checked: 1, failed: 0 });
      expect(subject).toMatchObject({ refreshed: 1, asked: [], kept: [], released: ["a"] });
    },
  );
});

describe("the walk over owners", () => {
  test("reads each file and applies it", async () => {
    const subject = new Subject();
    subject.owners = [file("a"), file("b")];
    expect(await subject.walk("owners")).toEqual({ checked: 2, failed: 0 });
    expect(subject.asked).toEqual(["read a", "read b"]);
    expect(subject.kept).toMatchObject([{ path: "a", counter: 7, ranges: 1 }, { path: "b" }]);
  });

  test("where there is no file, finds out since when", async () => {
    const subject = new Subject();
    subject.owners = [file("a")];
    subject.found = undefined;
    await subject.walk("owners");
    expect(subject.asked).toEqual(["read a", "settle a"]);
    expect(subject.kept).toEqual([{ path: "a", counter: 7, ranges: 0 }]);
  });

  test("where there never was one, changes nothing: its upload is still on its way", async () => {
    const subject = new Subject();
    subject.owners = [file("a")];
    subject.found = undefined;
    subject.settled = undefined;
    await subject.walk("owners");
    expect(subject.asked).toEqual(["read a", "settle a"]);
    expect(subject.kept).toEqual([]);
  });

  test("where there was one, and its tombstone has been collected, another tombstone tells since when", async () => {
    const subject = new Subject();
    subject.owners = [file("a")];
    subject.found = undefined;
    subject.settled = undefined;
    subject.wasNamed = true;
    await subject.walk("owners");
    expect(subject.asked).toEqual(["read a", "settle a", "settle a or make a tombstone"]);
  });

  test("keeps to its rate", async () => {
    const subject = new Subject({ ownersPerSecond: 5 });
    subject.owners = Array.from({ length: 30 }, (_, index) => file(`${index}`));
    const walking = subject.begin("owners");
    await subject.clock.pass(2000);
    expect(subject.asked).toHaveLength(10);
    await subject.clock.pass(4000);
    expect(await walking).toEqual({ checked: 30, failed: 0 });
  });

  test("holds back while clients need the node, but not for ever", async () => {
    const subject = new Subject();
    subject.owners = [file("a")];
    subject.busy = true;
    const walking = subject.begin("owners");
    await subject.clock.pass(900);
    expect(subject.asked).toEqual([]);
    await subject.clock.pass(300);
    expect(subject.asked).toEqual(["read a"]);
    await walking;
  });
});

describe("the walk over holders", () => {
  const record = (path: string, size: number, kind: Value["kind"] = "live"): RangeEntry => ({
    kind: "record",
    path,
    accepted: version,
    value: valueOf(kind, size),
    committed: version,
  });
  const large = inlineBytesMax + 1;
  const paths = ["a", "b", "c", "d", "e", "f"];

  async function toldBy(local: number, down: readonly number[]): Promise<readonly string[]> {
    const subject = new Subject({ local, down });
    subject.entries = paths.map((path) => record(path, large));
    await subject.walk("holders");
    return subject.told;
  }

  test("tells who was away of each large file, by one node only", async () => {
    const told = [await toldBy(1, []), await toldBy(2, []), await toldBy(3, [])].flat();
    expect([...told].sort()).toEqual(paths.map((path) => `3: ${path}`));
  });

  test("where the first holder is down, the next one does it", async () => {
    const told = [await toldBy(2, [1]), await toldBy(3, [1])].flat();
    expect([...told].sort()).toEqual(paths.map((path) => `3: ${path}`));
  });

  test("small files, deleted ones and damaged records have no chunks to tell of", async () => {
    const subject = new Subject();
    subject.entries = [record("a", 10), record("b", 0, "tombstone"), { kind: "corrupt", path: "c" }];
    expect(await subject.walk("holders")).toEqual({ checked: 0, failed: 0 });
    expect(subject.told).toEqual([]);
  });

  test("the scan for them holds back while clients need the node, but not for ever", async () => {
    const subject = new Subject();
    subject.pages = 3;
    subject.busy = true;
    const walking = subject.begin("holders");
    await subject.clock.pass(2000);
    expect(subject.pagesRead).toBe(2);
    await subject.clock.pass(2000);
    expect(subject.pagesRead).toBe(3);
    await walking;
  });

  test("neither does one that was overwritten by a small one meanwhile", async () => {
    const subject = new Subject();
    subject.entries = paths.map((path) => record(path, large));
    subject.found = { ...live, ranges: [] };
    await subject.walk("holders");
    expect(subject.told).toEqual([]);
  });
});
