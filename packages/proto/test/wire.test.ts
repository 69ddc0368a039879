import { BinaryReader as LibraryReader, BinaryWriter as LibraryWriter } from "@bufbuild/protobuf/wire";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { BinaryReader, BinaryWriter } from "../src/wire.js";
import { Ballot, ChunkServiceService, PutRequest, ReadChunkResponse, WriteChunkRequest } from "../src/index.js";

const safe = fc.oneof(fc.maxSafeNat(), fc.nat(), fc.constantFrom(0, 127, 128, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1));

describe("wire", () => {
  test("64-bit numbers are written as the library writes them", () => {
    fc.assert(
      fc.property(fc.array(safe), (numbers) => {
        const ours = new BinaryWriter();
        const library = new LibraryWriter();
        for (const number of numbers) {
          ours.uint64(number);
          library.uint64(number);
        }
        expect(Buffer.from(ours.finish())).toEqual(Buffer.from(library.finish()));
      }),
    );
  });

  test("64-bit numbers are read as the library reads them, or refused from 2^53 on", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 64n - 1n), (number) => {
        const bytes = new LibraryWriter().uint64(number).finish();
        const reader = new BinaryReader(bytes);
        if (number >= 2n ** 53n) {
          expect(() => reader.safeUint64()).toThrow(RangeError);
        } else {
          expect(reader.safeUint64()).toBe(Number(new LibraryReader(bytes).uint64()));
          expect(reader.pos).toBe(bytes.length);
        }
      }),
    );
  });

  test.each([
    ["cut short", [0x80]],
    ["without end", new Array<number>(11).fill(0x80)],
    ["empty", []],
  ])("a number that is %s is refused", (_, bytes) => {
    expect(() => new BinaryReader(Uint8Array.from(bytes)).safeUint64()).toThrow(RangeError);
  });

  test("what is not a safe number is the library's to refuse", () => {
    expect(() => new BinaryWriter().uint64(-1)).toThrow();
    expect(() => new BinaryWriter().uint64(1.5)).toThrow();
  });

  test("a writer is used again, and never by two at a time", () => {
    const outer = Ballot.encode({ counter: 1, node: 2, incarnation: 3 });
    const inner = Ballot.encode({ counter: 9, node: 9, incarnation: 9 }).finish();
    expect(Ballot.decode(outer.finish())).toEqual({ counter: 1, node: 2, incarnation: 3 });
    expect(Ballot.decode(inner)).toEqual({ counter: 9, node: 9, incarnation: 9 });
  });

  test("an encoding that failed leaves nothing behind for the next", () => {
    expect(() => Ballot.encode({ counter: 5, node: -1, incarnation: 0 })).toThrow();
    const bytes = Ballot.encode({ counter: 7, node: 1, incarnation: 1 }).finish();
    expect(Ballot.decode(bytes)).toEqual({ counter: 7, node: 1, incarnation: 1 });
  });

  test("bytes that were handed out do not change with later messages", () => {
    const message = PutRequest.fromPartial({ bucket: "files", path: "a", content: Buffer.alloc(5000, 1) });
    const first = PutRequest.encode(message).finish();
    const copy = Buffer.from(first);
    PutRequest.encode({ ...message, content: Buffer.alloc(5000, 2) }).finish();
    expect(Buffer.from(first)).toEqual(copy);
  });
});

describe("in pieces", () => {
  const sizes = fc.constantFrom(0, 1, 16 * 1024, 32 * 1024 - 1, 32 * 1024, 256 * 1024);

  test("a message's pieces are its bytes, and a large field is the very buffer that was given", () => {
    fc.assert(
      fc.property(sizes, fc.array(fc.nat()), fc.nat(), (size, blockCrc32c, offset) => {
        const data = Buffer.alloc(size, 7);
        const response = { data, blockCrc32c, offset, chunkCrc32c: blockCrc32c };
        const request: WriteChunkRequest = { part: { $case: "data", value: data } };
        const ofResponse = ChunkServiceService.readChunk.responsePieces(response);
        const ofRequest = ChunkServiceService.writeChunk.requestPieces(request);
        expect(Buffer.concat(ofResponse).equals(ReadChunkResponse.encode(response).finish())).toBe(true);
        expect(Buffer.concat(ofRequest).equals(WriteChunkRequest.encode(request).finish())).toBe(true);
        expect(ofResponse.includes(data)).toBe(size >= 32 * 1024);
        expect(ofRequest.includes(data)).toBe(size >= 32 * 1024);
      }),
      { numRuns: 50 },
    );
  });

  test("a large field of a message within the message is copied", () => {
    const owner = { bucket: 1, path: "p" };
    const value = { owner, upload: Buffer.alloc(64 * 1024, 3), index: 1, size: 2, crc32c: 3 };
    const request: WriteChunkRequest = { part: { $case: "header", value } };
    const pieces = ChunkServiceService.writeChunk.requestPieces(request);
    expect(pieces).toHaveLength(1);
    expect(WriteChunkRequest.decode(Buffer.concat(pieces))).toEqual(request);
  });
});
