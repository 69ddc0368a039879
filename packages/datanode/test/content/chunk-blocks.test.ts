import { describe, expect, test } from "@jest/globals";
import { blockBytes } from "@quorumfs/core";
import { crc32c } from "@quorumfs/runtime";
import type { StoredPiece } from "../../src/chunk/chunk-store.js";
import { type ByteRange, checkedBytes } from "../../src/content/chunk-blocks.js";
import { noise } from "./fixture.js";

const chunk = noise(5 * blockBytes + 1000, 1);

/** What a node answers: blocks `from` to `to`, two in a message. */
function pieces(from = 0, to = 6): StoredPiece[] {
  const all: StoredPiece[] = [];
  for (let block = from; block < to; block += 2) {
    const offset = block * blockBytes;
    const data = chunk.slice(offset, Math.min(block + 2, to) * blockBytes);
    const checksums = [crc32c(data.subarray(0, blockBytes))];
    if (data.length > blockBytes) checksums.push(crc32c(data.subarray(blockBytes)));
    all.push({ offset, data, checksums });
  }
  return all;
}

async function* streamed(messages: readonly StoredPiece[]): AsyncGenerator<StoredPiece> {
  for (const message of messages) {
    await Promise.resolve();
    yield message;
  }
}

async function read(messages: readonly StoredPiece[], range: ByteRange): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of checkedBytes(streamed(messages), range)) parts.push(part);
  return Buffer.concat(parts);
}

const whole = { offset: 0, length: chunk.length };

describe("bytes of a chunk that come from a node", () => {
  const ranges: readonly (readonly [string, ByteRange, number, number])[] = [
    ["all of it", whole, 0, 6],
    ["within one block", { offset: 100, length: 7 }, 0, 1],
    ["over a boundary of blocks", { offset: blockBytes - 1, length: 2 }, 0, 2],
    ["from a boundary on", { offset: 2 * blockBytes, length: blockBytes }, 2, 3],
    ["the end", { offset: chunk.length - 1, length: 1 }, 5, 6],
  ];
  test.each(ranges)("%s: these bytes and no others", async (_name, range, from, to) => {
    const { offset, length } = range;
    expect((await read(pieces(from, to), range)).equals(chunk.subarray(offset, offset + length))).toBe(true);
  });

  const changed = (change: (piece: StoredPiece) => StoredPiece) =>
    pieces().map((one, at) => (at === 1 ? change(one) : one));
  const flipped = ({ data, ...rest }: StoredPiece): StoredPiece => {
    const other = Uint8Array.from(data);
    other[blockBytes + 5] = (other[blockBytes + 5] ?? 0) ^ 1;
    return { ...rest, data: other };
  };
  const bad: readonly (readonly [string, readonly StoredPiece[]])[] = [
    ["one flipped bit", changed(flipped)],
    ["a block without its checksum", changed((piece) => ({ ...piece, checksums: piece.checksums.slice(1) }))],
    ["a message that is missing", pieces().filter((_, at) => at !== 1)],
    ["an end that comes too early", pieces(0, 4)],
    ["blocks of another place", changed((piece) => ({ ...piece, offset: 0 }))],
    ["nothing at all", []],
  ];
  test.each(bad)("%s: corrupt", async (_name, messages) => {
    await expect(read(messages, whole)).rejects.toMatchObject({ code: "corrupt" });
  });

  test("what comes before the bad block was good", async () => {
    const seen: number[] = [];
    const reading = (async () => {
      for await (const part of checkedBytes(streamed(changed(flipped)), whole)) seen.push(part.length);
    })();
    await expect(reading).rejects.toMatchObject({ code: "corrupt" });
    expect(seen).toEqual([2 * blockBytes]);
  });
});
