import { type Ballot, checkPath, type Content, inlineBytesMax, type Value } from "@quorumfs/core";
import fc from "fast-check";

export const counters = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
export const nodeIds = fc.integer({ min: 1, max: 0xffff_ffff });

export const ballots: fc.Arbitrary<Ballot> = fc.record({
  counter: counters,
  node: nodeIds,
  incarnation: fc.integer({ min: 0, max: 0xffff_ffff }),
});

export const paths: fc.Arbitrary<string> = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 60 })
  .filter((text) => {
    try {
      return checkPath(text) === text;
    } catch {
      return false;
    }
  });

const requestIds = fc.uint8Array({ minLength: 16, maxLength: 16 });
const rings = fc.array(fc.record({ requestId: requestIds, counter: counters }), { maxLength: 8 });
const text = fc.string({ unit: "grapheme", maxLength: 40 });
const attributes = fc.oneof(
  fc.constant(new Map<string, string>()),
  fc.array(fc.tuple(text, text), { maxLength: 5 }).map((pairs) => new Map(pairs)),
  fc.constant(new Map([["__proto__", "is a name like any other"]])),
);
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 100 }),
  fc.nat({ max: 5000 }).map((length) => new Uint8Array(length).fill(length & 0xff)),
);
const etags = fc.uint8Array({ minLength: 32, maxLength: 32 });
const times = fc.integer({ min: 0, max: 4_000_000_000_000 });

const inline: fc.Arbitrary<{ size: number; content: Content }> = bytes.map((content) => ({
  size: content.length,
  content: { kind: "inline", bytes: content },
}));
const manifest = fc.record({
  size: fc.integer({ min: inlineBytesMax + 1, max: Number.MAX_SAFE_INTEGER }),
  content: bytes.map((content): Content => ({ kind: "manifest", bytes: content })),
});

const liveValues: fc.Arbitrary<Value> = fc
  .tuple(fc.oneof(inline, manifest), ballots, etags, times, attributes, rings)
  .map(([{ size, content }, version, etag, modifiedAtMs, pairs, ring]) => ({
    kind: "live",
    version,
    size,
    etag,
    modifiedAtMs,
    content,
    attributes: pairs,
    ring,
  }));

const tombstones: fc.Arbitrary<Value> = fc.tuple(ballots, times, rings).map(([version, modifiedAtMs, ring]) => ({
  kind: "tombstone",
  version,
  size: 0,
  etag: new Uint8Array(0),
  modifiedAtMs,
  content: { kind: "none" },
  attributes: new Map(),
  ring,
}));

/** Values with their content. */
export const values: fc.Arbitrary<Value> = fc.oneof(
  { weight: 4, arbitrary: liveValues },
  { weight: 1, arbitrary: tombstones },
);
