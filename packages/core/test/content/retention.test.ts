import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  type Ballot,
  fateOf,
  isLeaseOver,
  isNews,
  isRevivable,
  renewed,
  type UploadStanding,
  zeroBallot,
} from "../../src/index.js";

const leaseMs = 100;
const ballot = (counter: number): Ballot => ({ counter, node: 1, incarnation: 1 });

describe("rules", () => {
  const leased: UploadStanding = { kind: "leased", untilMs: 50 };
  const kept: UploadStanding = { kind: "kept" };

  test.each<[string, boolean, UploadStanding, boolean, number, string]>([
    ["named, never named before", true, leased, false, 0, "keep"],
    ["named, lease over", true, leased, true, 99, "keep"],
    ["not named, named before", false, kept, false, 0, "retire"],
    ["not named, never before, lease running", false, leased, true, 49, "leave"],
    ["not named, never before, lease over, no identity round", false, leased, false, 99, "leave"],
    ["not named, never before, lease over, identity round", false, leased, true, 50, "retire"],
  ])("%s", (_, named, upload, afterIdentityRound, nowMs, fate) => {
    expect(fateOf({ named, upload, afterIdentityRound, nowMs })).toBe(fate);
  });

  test("a version below the newest heard of is no news; the same one again is", () => {
    expect(isNews(undefined, zeroBallot)).toBe(true);
    expect(isNews(ballot(5), ballot(4))).toBe(false);
    expect(isNews(ballot(5), ballot(5))).toBe(true);
    expect(isNews(ballot(5), { counter: 5, node: 2, incarnation: 1 })).toBe(true);
  });

  test("a lease is never shortened, and a named upload needs none", () => {
    expect(renewed(undefined, { nowMs: 10, leaseMs })).toEqual({ kind: "leased", untilMs: 110 });
    expect(renewed({ kind: "leased", untilMs: 500 }, { nowMs: 10, leaseMs })).toEqual({ kind: "leased", untilMs: 500 });
    expect(renewed(kept, { nowMs: 10, leaseMs })).toBe(kept);
    expect(isLeaseOver(kept, Infinity)).toBe(false);
    expect([isRevivable(leased), isRevivable(kept)]).toEqual([true, false]);
  });
});

/** One file on one node, by the rules: what a store does, without a disk. */
class Node {
  known: Ballot | undefined;
  readonly uploads = new Map<string, UploadStanding>();
  /** By upload and index; true: retired. */
  readonly chunks = new Map<string, boolean>();

  store(upload: string, index: number, nowMs: number): void {
    const standing = renewed(this.uploads.get(upload), { nowMs, leaseMs });
    this.uploads.set(upload, standing);
    const name = `${upload}/${index}`;
    if (!this.chunks.has(name) || isRevivable(standing)) this.chunks.set(name, false);
  }

  keep(version: Ballot, named: ReadonlySet<string>, nowMs: number, afterIdentityRound: boolean): void {
    if (!isNews(this.known, version)) return;
    this.known = version;
    for (const name of named) this.uploads.set(uploadOf(name), { kind: "kept" });
    for (const name of this.chunks.keys()) {
      const upload = this.uploads.get(uploadOf(name)) ?? { kind: "kept" };
      const fate = fateOf({ named: named.has(name), upload, afterIdentityRound, nowMs });
      if (fate !== "leave") this.chunks.set(name, fate === "retire");
    }
  }

  reap(): void {
    for (const [name, retired] of this.chunks) if (retired) this.chunks.delete(name);
  }
}

function uploadOf(name: string): string {
  return name.slice(0, name.indexOf("/"));
}

type Step =
  | { readonly kind: "put"; readonly chunks: number; readonly append: boolean; readonly stored: boolean }
  | { readonly kind: "abandon"; readonly chunks: number }
  /** Its value is accepted by too few, and may be adopted until an identity round has passed over it. */
  | { readonly kind: "dangle"; readonly chunks: number }
  | { readonly kind: "adopt"; readonly which: number }
  | { readonly kind: "notice"; readonly which: number }
  | { readonly kind: "sweep" }
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "reap" };

const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant("put" as const),
      chunks: fc.integer({ min: 0, max: 3 }),
      append: fc.boolean(),
      stored: fc.boolean(),
    }),
    fc.record({ kind: fc.constant("abandon" as const), chunks: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ kind: fc.constant("dangle" as const), chunks: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ kind: fc.constant("adopt" as const), which: fc.nat(20) }),
    fc.record({ kind: fc.constant("notice" as const), which: fc.nat(20) }),
    fc.record({ kind: fc.constant("notice" as const), which: fc.nat(20) }),
    fc.record({ kind: fc.constant("sweep" as const) }),
    fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 150 }) }),
    fc.record({ kind: fc.constant("reap" as const) }),
  ),
  { maxLength: 40 },
);

interface Version {
  readonly ballot: Ballot;
  readonly named: ReadonlySet<string>;
}

/**
 * The file's history as it really is, of which the node hears late, twice, or never. Whatever it hears, it must have what the
 * newest version that was chosen names, as far as it was stored here.
 */
function play(history: readonly Step[]): string | undefined {
  const node = new Node();
  const versions: Version[] = [{ ballot: zeroBallot, named: new Set() }];
  let dangling: readonly string[][] = [];
  const storedHere = new Set<string>();
  let uploads = 0;
  let nowMs = 0;
  const newest = (): Version => versions.at(-1) ?? { ballot: zeroBallot, named: new Set() };
  const upload = (chunks: number): string[] => {
    uploads += 1;
    const names = Array.from({ length: chunks }, (_, index) => `u${uploads}/${index}`);
    for (const [index, name] of names.entries()) {
      node.store(`u${uploads}`, index, nowMs);
      storedHere.add(name);
    }
    return names;
  };
  for (const step of history) {
    switch (step.kind) {
      case "put": {
        // A vote follows its chunks within their lease; some chunks reach other replicas only.
        const names = step.stored ? upload(step.chunks) : [];
        const carried = step.append ? [...newest().named] : [];
        versions.push({ ballot: ballot(newest().ballot.counter + 1), named: new Set([...carried, ...names]) });
        break;
      }
      case "abandon":
        upload(step.chunks);
        break;
      case "dangle":
        dangling = [...dangling, upload(step.chunks)];
        break;
      case "adopt": {
        const adopted = dangling[step.which % Math.max(1, dangling.length)];
        if (!adopted) break;
        dangling = dangling.filter((names) => names !== adopted);
        versions.push({ ballot: ballot(newest().ballot.counter + 1), named: new Set(adopted) });
        break;
      }
      case "notice": {
        const version = versions[step.which % versions.length];
        if (version) node.keep(version.ballot, version.named, nowMs, false);
        break;
      }
      case "sweep":
        // The identity round finds what is chosen, and nothing that was accepted before can follow.
        dangling = [];
        node.keep(newest().ballot, newest().named, nowMs, true);
        break;
      case "pass":
        nowMs += step.ms;
        break;
      case "reap":
        node.reap();
        break;
    }
    for (const name of newest().named) {
      if (storedHere.has(name) && node.chunks.get(name) !== false) return `${name} of the newest version is not kept`;
    }
  }
  return undefined;
}

describe("histories", () => {
  test("late, lost and repeated notices: what the newest version names is never let go", () => {
    fc.assert(
      fc.property(steps, (history) => {
        expect(play(history)).toBeUndefined();
      }),
      { numRuns: 2000 },
    );
  });

  test("in the end everything else goes", () => {
    fc.assert(
      fc.property(fc.nat(4), fc.nat(4), (before, abandoned) => {
        const node = new Node();
        for (let index = 0; index < before; index += 1) node.store("old", index, 0);
        node.keep(ballot(1), new Set(Array.from({ length: before }, (_, index) => `old/${index}`)), 0, false);
        for (let index = 0; index < abandoned; index += 1) node.store("abandoned", index, 0);
        node.store("new", 0, 0);
        node.keep(ballot(2), new Set(["new/0"]), 1, false);
        node.reap();
        expect([...node.chunks.keys()].filter((name) => name.startsWith("old"))).toEqual([]);
        node.keep(ballot(2), new Set(["new/0"]), leaseMs, true);
        node.reap();
        expect([...node.chunks.keys()]).toEqual(["new/0"]);
      }),
    );
  });
});
