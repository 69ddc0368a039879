import { describe, expect, test } from "@jest/globals";
import {
  bucketId,
  compareBallots,
  errorCodes,
  type RangeEntry,
  type ReplicaReply,
  type ReplicaRequest,
  type Value,
  withoutContent,
  zeroBallot,
} from "@quorumfs/core";
import {
  RangeReadResponse,
  ReplicaRequest as RequestMessage,
  ReplicaResponse as ResponseMessage,
} from "@quorumfs/proto";
import fc from "fast-check";
import {
  rangePageFromWire,
  rangePageToWire,
  rangeRequestFromWire,
  replyFromWire,
  replyToWire,
  requestFromWire,
  requestToWire,
} from "../../src/replica/wire.js";
import { ballots, counters, paths, values } from "./arbitraries.js";
import { accept, ballot, plain, prepare, read, tombstoneOf, valueOf } from "./fixture.js";

const optionalBallots = fc.oneof(ballots, fc.constant(zeroBallot));

/** Values as a coordinator proposes them: no newer than the ballot. */
const accepts: fc.Arbitrary<ReplicaRequest> = fc
  .tuple(values, ballots, fc.option(ballots, { nil: undefined }))
  .map(([value, other, next]) => {
    const higher = compareBallots(value.version, other) > 0 ? value.version : other;
    return { kind: "accept", ballot: higher, value, ...(next && { next }) };
  });

const requests: fc.Arbitrary<ReplicaRequest> = fc.oneof(
  accepts,
  fc.record({ kind: fc.constant("read" as const), withContent: fc.boolean() }),
  fc.record({ kind: fc.constantFrom("prepare" as const, "commit" as const, "erase" as const), ballot: ballots }),
);

const shownValues: fc.Arbitrary<Value> = fc
  .tuple(values, fc.boolean())
  .map(([v, omit]) => (omit ? withoutContent(v) : v));

const replies: fc.Arbitrary<ReplicaReply> = fc.oneof(
  fc.record({
    kind: fc.constant("state" as const),
    accepted: ballots,
    value: shownValues,
    committed: optionalBallots,
    floor: fc.nat(),
  }),
  fc.record({
    kind: fc.constant("state" as const),
    accepted: fc.constant(zeroBallot),
    value: fc.constant(undefined),
    committed: optionalBallots,
    floor: fc.nat(),
  }),
  fc.constant({ kind: "ok" as const }),
  fc.record({ kind: fc.constant("nack" as const), promised: optionalBallots, floor: fc.nat() }),
  fc.constant({ kind: "corrupt" as const }),
  fc.record({ kind: fc.constant("stale_layout" as const), layout: counters }),
  fc.record({ kind: fc.constant("refused" as const), code: fc.constantFrom(...errorCodes), reason: fc.string() }),
);

describe("round trips through bytes", () => {
  test("requests", () => {
    const envelopes = fc.record({
      id: fc.nat(),
      target: fc.record({
        bucket: fc.integer({ min: 1, max: 2 ** 32 - 1 }).map(bucketId),
        path: paths,
        layout: fc.nat(),
      }),
      request: requests,
      requestId: fc.oneof(fc.constant(new Uint8Array(0)), fc.uint8Array({ minLength: 16, maxLength: 16 })),
    });
    fc.assert(
      fc.property(envelopes, (envelope) => {
        const bytes = RequestMessage.encode(requestToWire(envelope)).finish();
        expect(plain(requestFromWire(RequestMessage.decode(bytes)))).toEqual(plain(envelope));
      }),
    );
  });

  test("replies", () => {
    fc.assert(
      fc.property(fc.nat(), replies, (id, reply) => {
        const message = ResponseMessage.decode(ResponseMessage.encode(replyToWire(id, reply)).finish());
        expect(message.id).toBe(id);
        expect(plain(replyFromWire(message))).toEqual(plain(reply));
      }),
    );
  });

  test("pages", () => {
    const entries: fc.Arbitrary<RangeEntry> = fc.oneof(
      fc.record({
        kind: fc.constant("record" as const),
        path: paths,
        accepted: ballots,
        value: values.map(withoutContent),
        committed: optionalBallots,
      }),
      fc.record({ kind: fc.constant("corrupt" as const), path: paths }),
    );
    const pages = fc.record({
      entries: fc.array(entries, { maxLength: 5 }),
      truncated: fc.boolean(),
      lastPath: paths,
      floor: fc.nat(),
    });
    fc.assert(
      fc.property(pages, (page) => {
        const bytes = RangeReadResponse.encode(rangePageToWire(page)).finish();
        expect(plain(rangePageFromWire(RangeReadResponse.decode(bytes)))).toEqual(plain(page));
      }),
    );
  });
});

describe("a reader that has the value already", () => {
  const manifest: Value = {
    ...valueOf(5),
    size: 2 ** 20,
    content: { kind: "manifest", bytes: Buffer.from("manifest") },
  };
  const stateOf = (value: Value): ReplicaReply => ({
    kind: "state",
    accepted: ballot(5),
    value,
    committed: zeroBallot,
    floor: 0,
  });

  test.each([
    ["is sent nothing of it again", withoutContent(valueOf(5)), undefined],
    ["is sent nothing of a tombstone", tombstoneOf(5), undefined],
    ["is sent the content that it asked for", valueOf(5), "inline"],
    ["is sent the manifest that it asked for", manifest, "manifest"],
  ])("%s", (_name, value, expected) => {
    const { reply } = replyToWire(1, stateOf(value), ballot(5));
    expect(reply?.$case === "state" && reply.value.value?.content?.$case).toBe(expected);
  });
});

describe("input that no coordinator of ours sends", () => {
  const good = requestToWire({
    id: 1,
    target: { bucket: bucketId(1), path: "a", layout: 1 },
    request: accept(5),
    requestId: new Uint8Array(16),
  });

  function withVote(request: ReplicaRequest): RequestMessage {
    return requestToWire({
      id: 1,
      target: { bucket: bucketId(1), path: "a", layout: 1 },
      request,
      requestId: new Uint8Array(0),
    });
  }
  function withValue(changes: Partial<Value>): RequestMessage {
    return withVote(accept(5, { ...valueOf(5), ...changes }));
  }
  function attributesOf(count: number, bytes: number): Map<string, string> {
    return new Map(Array.from({ length: count }, (_, index) => [`a${index}`, "v".repeat(bytes)]));
  }
  function manifestOf(bytes: number, size: number): Partial<Value> {
    return { size, content: { kind: "manifest", bytes: new Uint8Array(bytes) } };
  }
  const mark = { requestId: new Uint8Array(16), counter: 1 };

  const cases: [string, RequestMessage][] = [
    ["no bucket", { ...good, bucket: 0 }],
    ["an empty path", { ...good, path: "" }],
    ["a path with ..", { ...good, path: "a/../b" }],
    ["a path with NUL", { ...good, path: "a\0b" }],
    ["a path of 1,025 bytes", { ...good, path: "x".repeat(1025) }],
    ["a path that was not UTF-8", { ...good, path: "a\ufffd" }],
    ["a request id of 15 bytes", { ...good, requestId: new Uint8Array(15) }],
    ["no vote", { ...good, vote: undefined }],
    ["a prepare without ballot", { ...good, vote: { $case: "prepare", value: { ballot: undefined } } }],
    ["a ballot with counter 0", withVote(prepare(0))],
    ["a ballot of node 0", withVote(prepare(1, 0))],
    ["a commit without ballot", { ...good, vote: { $case: "commit", value: { ballot: undefined } } }],
    ["an erase without ballot", { ...good, vote: { $case: "erase", value: { ballot: undefined } } }],
    [
      "an accept without value",
      { ...good, vote: { $case: "accept", value: { ballot: ballot(1), value: undefined, next: undefined } } },
    ],
    ["a next ballot of node 0", withVote(accept(5, valueOf(5), ballot(6, 0)))],
    ["a value without version", withValue({ version: zeroBallot })],
    ["a value newer than its ballot", withValue({ version: ballot(6) })],
    ["a value without content", withValue({ content: { kind: "omitted" } })],
    ["an etag of 31 bytes", withValue({ etag: new Uint8Array(31) })],
    ["a size that is not the content's", withValue({ size: 4 })],
    ["content above the limit", withVote(accept(5, valueOf(5, new Uint8Array(128 * 1024 + 1))))],
    ["a manifest above the limit", withValue(manifestOf(2 ** 20 + 1, 2 ** 30))],
    ["a manifest of what fits into a record", withValue(manifestOf(100, 128 * 1024))],
    ["a tombstone with a size", withVote(accept(5, { ...tombstoneOf(5), size: 1 }))],
    ["a tombstone with an etag", withVote(accept(5, { ...tombstoneOf(5), etag: new Uint8Array(32) }))],
    [
      "a tombstone with content",
      withVote(accept(5, { ...tombstoneOf(5), content: { kind: "inline", bytes: new Uint8Array(0) } })),
    ],
    ["a ring of nine", withValue({ ring: new Array(9).fill(mark) as Value["ring"] })],
    ["a ring with a short id", withValue({ ring: [{ requestId: new Uint8Array(3), counter: 1 }] })],
    ["65 attributes", withValue({ attributes: attributesOf(65, 1) })],
    ["attributes of more than 8 KiB", withValue({ attributes: attributesOf(9, 1000) })],
  ];

  test.each(cases)("%s", (_name, message) => {
    const bytes = RequestMessage.encode(message).finish();
    expect(() => requestFromWire(RequestMessage.decode(bytes))).toThrow(
      expect.objectContaining({ name: "QuorumError", code: "invalid_argument" }),
    );
  });

  test("the message that these are made of is a good one", () => {
    expect(requestFromWire(good).request).toMatchObject({ kind: "accept" });
    expect(requestFromWire(withVote(read)).request).toEqual(read);
  });

  test("a counter above 2^53 does not get through the decoder", () => {
    const bytes = RequestMessage.encode(withVote(prepare(2 ** 53 - 1))).finish();
    expect(requestFromWire(RequestMessage.decode(bytes)).request).toMatchObject({ ballot: { counter: 2 ** 53 - 1 } });
    const tooLarge = Uint8Array.from([...bytes]);
    const at = tooLarge.lastIndexOf(0x0f);
    tooLarge[at] = 0x1f;
    expect(() => RequestMessage.decode(tooLarge)).toThrow();
  });

  test.each([
    ["a prefix with NUL", { prefix: "a\0" }],
    ["a prefix of 1,025 bytes", { prefix: "x".repeat(1025) }],
    ["a position of 1,029 bytes", { after: "x".repeat(1029) }],
    ["no bucket", { bucket: 0 }],
  ])("a page: %s", (_name, changes) => {
    const request = { bucket: 1, prefix: "", after: "", limit: 1, layout: 1, ...changes };
    expect(() => rangeRequestFromWire(request)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });
});

describe("replies that make no sense are refusals", () => {
  const cases: [string, ResponseMessage["reply"]][] = [
    ["none", undefined],
    ["a value without its ballot", stateMessage({ accepted: undefined })],
    ["a ballot without its value", stateMessage({ value: undefined })],
    ["an etag of one byte", stateMessage({ value: { ...valueMessage(), etag: new Uint8Array(1) } })],
  ];

  function valueMessage(): NonNullable<Extract<ResponseMessage["reply"], { $case: "state" }>["value"]["value"]> {
    const { reply } = replyToWire(1, {
      kind: "state",
      accepted: ballot(1),
      value: valueOf(1),
      committed: zeroBallot,
      floor: 0,
    });
    if (reply?.$case !== "state" || !reply.value.value) throw new Error("a state has a value");
    return reply.value.value;
  }
  function stateMessage(
    changes: Partial<Extract<ResponseMessage["reply"], { $case: "state" }>["value"]>,
  ): ResponseMessage["reply"] {
    const value = { accepted: ballot(1), value: valueMessage(), committed: undefined, floor: 0, ...changes };
    return { $case: "state", value };
  }

  test.each(cases)("%s", (_name, reply) => {
    expect(replyFromWire({ id: 1, reply })).toMatchObject({ kind: "refused", code: expect.any(String) });
  });
});
