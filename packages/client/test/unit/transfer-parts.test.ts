import { describe, expect, it } from "@jest/globals";
import { chunkBytesMax, firstPageIndex, QuorumError } from "@quorumfs/core";
import { WaitingRoom } from "../../src/operation/gate.js";
import { BulkPeer } from "../../src/routing/bulk-peer.js";
import { AppendTurns } from "../../src/transfer/append-turns.js";
import { ChunkBuffer } from "../../src/transfer/chunk-buffer.js";
import { ChunkHaste } from "../../src/transfer/chunk-haste.js";
import { ContentReader } from "../../src/transfer/content-reader.js";
import { readHead } from "../../src/transfer/file-put.js";
import { Lifetime } from "../../src/transfer/lifetime.js";
import { Progress } from "../../src/transfer/progress.js";
import { leastReadBytes, ReadAhead, readAheadBytesMax } from "../../src/transfer/read-ahead.js";
import { SavedSha256 } from "../../src/transfer/saved-sha256.js";
import { type Straggler, UploadBuffers, uploadBytesMax } from "../../src/transfer/upload-buffers.js";
import { sha256 } from "../fakes/fake-cluster.js";
import { pattern } from "../fakes/pattern.js";
import { VirtualClock } from "../fakes/virtual-clock.js";

const ended = new QuorumError({ code: "cancelled", message: "ended" });

describe("lifetime", () => {
  it("the first reason stands, and everybody hears it once", async () => {
    const lifetime = new Lifetime();
    const heard: QuorumError[] = [];
    lifetime.onEnd((error) => heard.push(error));
    const waiting = lifetime.race(new Promise(() => undefined));
    lifetime.end(ended);
    lifetime.end(new QuorumError({ code: "internal", message: "later" }));
    await expect(waiting).rejects.toBe(ended);
    await expect(lifetime.race(Promise.resolve(1))).rejects.toBe(ended);
    expect(heard).toEqual([ended]);
    expect(() => lifetime.check()).toThrow(ended);
  });

  it("done: nobody is told, and cleaning up is done all the same", () => {
    const lifetime = new Lifetime();
    let cleaned = 0;
    let heard = 0;
    lifetime.onEnd(() => (heard += 1));
    lifetime.finally(() => (cleaned += 1));
    lifetime.done();
    lifetime.end(ended);
    lifetime.finally(() => (cleaned += 1));
    expect([heard, cleaned]).toEqual([0, 2]);
    expect(() => lifetime.check()).not.toThrow();
  });
});

describe("upload buffers", () => {
  const straggler = (buffers: UploadBuffers, buffer: ChunkBuffer, cut: () => void): Straggler => ({
    buffer,
    cut: () => {
      cut();
      buffers.give(buffer);
    },
  });

  it("no more than six chunks, small ones by what they take, in order", async () => {
    const buffers = new UploadBuffers(new VirtualClock());
    const lifetime = new Lifetime();
    const taken: ChunkBuffer[] = [];
    for (let index = 0; index < 5; index += 1) taken.push(await buffers.take(lifetime));
    for (let index = 0; index < 4; index += 1) taken.push(await buffers.take(lifetime, 1_000_000));
    expect(buffers.takenBytes).toBe(uploadBytesMax);
    const order: string[] = [];
    const first = buffers.take(lifetime).then((buffer) => order.push(`first ${buffer.capacity}`));
    const second = buffers.take(lifetime, 1).then((buffer) => order.push(`second ${buffer.capacity}`));
    for (const buffer of taken.slice(5)) buffers.give(buffer);
    await first;
    expect(order).toEqual([`first ${chunkBytesMax}`]);
    buffers.give(taken[0] ?? new ChunkBuffer(1));
    await second;
    expect(order[1]).toBe("second 262144");
    expect(buffers.takenBytes).toBeLessThanOrEqual(uploadBytesMax);
  });

  it("who gives up while it waits lets the others have it", async () => {
    const buffers = new UploadBuffers(new VirtualClock());
    const [lifetime, other] = [new Lifetime(), new Lifetime()];
    const taken: ChunkBuffer[] = [];
    for (let index = 0; index < 6; index += 1) taken.push(await buffers.take(lifetime));
    const waiting = buffers.take(other);
    const next = buffers.take(lifetime, 1);
    other.end(ended);
    await expect(waiting).rejects.toBe(ended);
    buffers.give(taken[0] ?? new ChunkBuffer(1));
    expect((await next).capacity).toBe(262_144);
  });

  it("stragglers: half of the memory, and the latest are cut first, when somebody waits", async () => {
    const clock = new VirtualClock();
    const buffers = new UploadBuffers(clock);
    const lifetime = new Lifetime();
    const cut: number[] = [];
    for (let index = 0; index < 6; index += 1) {
      const buffer = await buffers.take(lifetime);
      buffers.straggles(straggler(buffers, buffer, () => cut.push(index)));
    }
    await clock.advance(1000);
    expect(cut).toEqual([]);
    await clock.settle(buffers.take(lifetime));
    expect(cut).toEqual([5]);
    await clock.settle(Promise.all([buffers.take(lifetime), buffers.take(lifetime)]));
    expect(cut).toEqual([5, 4, 3]);
    const waiting = buffers.take(lifetime);
    waiting.catch(() => undefined);
    await clock.advance(10_000);
    expect(cut).toEqual([5, 4, 3]);
    lifetime.end(ended);
  });
});

describe("read-ahead", () => {
  it("three chunks, and a little for those that come too late", () => {
    const readAhead = new ReadAhead();
    for (let index = 0; index < 3; index += 1) expect(readAhead.take(chunkBytesMax, false)).toBe(chunkBytesMax);
    expect(readAhead.used).toBe(readAheadBytesMax);
    expect(readAhead.take(chunkBytesMax, false)).toBe(0);
    expect(readAhead.take(chunkBytesMax, true)).toBe(leastReadBytes);
    readAhead.free(leastReadBytes + chunkBytesMax);
    expect(readAhead.take(chunkBytesMax, false)).toBe(chunkBytesMax);
  });
});

describe("append turns", () => {
  it("in order; who gives up does not let the next pass those before it", async () => {
    const turns = new AppendTurns(new WaitingRoom());
    const order: number[] = [];
    let release: () => void = () => undefined;
    const first = turns.run("x", new Lifetime(), async () => {
      order.push(1);
      await new Promise<void>((resolve) => (release = resolve));
      order.push(2);
    });
    const impatient = new Lifetime();
    const second = turns.run("x", impatient, async () => void order.push(3));
    const third = turns.run("x", new Lifetime(), async () => void order.push(4));
    await turns.run("y", new Lifetime(), async () => void order.push(5));
    impatient.end(ended);
    await expect(second).rejects.toBe(ended);
    await new Promise((resolve) => setImmediate(resolve));
    expect(order).toEqual([1, 5]);
    release();
    await Promise.all([first, third]);
    expect(order).toEqual([1, 5, 2, 4]);
  });
});

describe("saved SHA-256", () => {
  it("goes on where it was put aside", async () => {
    const bytes = pattern(100_001);
    const first = await SavedSha256.start();
    first.update(bytes.subarray(0, 70_000));
    const etag = sha256(bytes.subarray(0, 70_000)).toString("hex");
    const second = await SavedSha256.resume(first.save(), etag);
    second?.update(bytes.subarray(70_000));
    expect(Buffer.from(second?.digest() ?? []).toString("hex")).toBe(sha256(bytes).toString("hex"));
    // Asking for the digest does not end it.
    first.digest();
    first.update(bytes.subarray(70_000));
    expect(Buffer.from(first.digest()).equals(sha256(bytes))).toBe(true);
  });

  it("a state that is none, or another file's, is not taken", async () => {
    const hash = await SavedSha256.start();
    hash.update(Buffer.from("a"));
    const etag = sha256(Buffer.from("a")).toString("hex");
    expect(await SavedSha256.resume(hash.save(), sha256(Buffer.from("b")).toString("hex"))).toBeUndefined();
    expect(await SavedSha256.resume(new Uint8Array(0), etag)).toBeUndefined();
    expect(await SavedSha256.resume(hash.save().slice(1), etag)).toBeUndefined();
    expect(await SavedSha256.resume(Buffer.alloc(112), etag)).toBeUndefined();
  });
});

describe("progress", () => {
  it("is told ten times a second, before a pause, and at the end", async () => {
    const clock = new VirtualClock();
    const told: number[] = [];
    const lifetime = new Lifetime();
    const progress = new Progress(clock, { tell: ({ bytes }) => told.push(bytes), totalBytes: 500, lifetime });
    for (let step = 0; step < 50; step += 1) {
      progress.add(10);
      await clock.advance(10);
    }
    await clock.advance(1000);
    progress.finish();
    progress.finish();
    expect(told.length).toBeLessThanOrEqual(7);
    expect(told.at(-1)).toBe(500);
    progress.add(10);
    progress.add(10);
    lifetime.done();
    await clock.advance(1000);
    expect(told.length).toBeLessThanOrEqual(8);
  });
});

describe("content", () => {
  it("a source is let go when it is not wanted any more, and only once", async () => {
    let returned = 0;
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false, value: new Uint8Array(1) }),
        return: async () => {
          returned += 1;
          throw new Error("not even that");
        },
      }),
    } as unknown as AsyncIterable<Uint8Array>;
    const reader = new ContentReader("files/x", source);
    await reader.next();
    reader.close();
    reader.close();
    expect(await reader.next()).toBeUndefined();
    expect(returned).toBe(1);
  });

  it("pages of a manifest have indices of their own", () => {
    expect(firstPageIndex).toBeGreaterThan((5 * 1024 ** 4) / chunkBytesMax);
  });
});

describe("head of a content", () => {
  it("a source that uses its memory anew", async () => {
    const memory = Buffer.alloc(10);
    async function* source(): AsyncGenerator<Uint8Array> {
      for (let value = 1; value <= 3; value += 1) yield memory.fill(value);
    }
    const { pieces, ended } = await readHead(new ContentReader("files/x", source()), new Lifetime());
    expect(ended).toBe(true);
    expect(pieces.map(([first]) => first)).toEqual([1, 2, 3]);
  });

  it("bytes in memory are not copied", async () => {
    const bytes = new Uint8Array(1000);
    const { pieces } = await readHead(new ContentReader("files/x", bytes), new Lifetime());
    expect(pieces[0]).toBe(bytes);
  });
});

describe("chunk haste", () => {
  const network = { connect: () => notAsked(), listen: () => notAsked() };
  const peerOf = (id: number) => new BulkPeer({ id, address: "a:1", identity: new Map(), network });

  it("waits for as long as 19 of 20 reads took, and no longer than it would without", () => {
    const haste = new ChunkHaste();
    for (let read = 0; read < 1000; read += 1) haste.came(peerOf(1), read % 100 < 94 ? 70 : 400, read);
    expect(haste.patienceMs(2000)).toBeGreaterThan(70);
    expect(haste.patienceMs(2000)).toBeLessThan(600);
    expect(haste.patienceMs(60)).toBe(60);
  });

  it("where reads are slow throughout, second ones stay few", () => {
    const haste = new ChunkHaste();
    let seconds = 0;
    for (let read = 0; read < 1000; read += 1) {
      const isAsked = haste.patienceMs(2000) < 1000;
      if (isAsked) haste.askedTwice();
      seconds += isAsked ? 1 : 0;
      haste.came(peerOf(1), 1000, read);
    }
    expect(seconds).toBeLessThanOrEqual(102);
  });

  it("who is much slower than the quickest is asked last, until that is forgotten", () => {
    const haste = new ChunkHaste();
    const [quick, slow] = [peerOf(1), peerOf(2)];
    haste.came(quick, 5, 0);
    haste.wasLate(slow, 80, 0);
    expect([quick, slow].map((peer) => haste.isSlow(peer, 5, 0))).toEqual([false, true]);
    expect(haste.isSlow(slow, 5, 60_000)).toBe(false);
  });
});

function notAsked(): never {
  throw new Error("nobody connects");
}
