import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { FrameReader } from "../../src/adapters/frame-reader.js";
import { messageBytesMax } from "../../src/adapters/limits.js";

function frame(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

test("messages come out as they went in, wherever the bytes between them were cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
      (messages, cuts) => {
        const bytes = Buffer.concat(messages.map(frame));
        const reader = new FrameReader();
        const read: number[][] = [];
        for (let start = 0, cut = 0; start < bytes.length; cut += 1) {
          const length = cuts[cut % cuts.length] ?? 1;
          reader.push(bytes.subarray(start, start + length));
          start += length;
          for (let message = reader.next(); message !== undefined; message = reader.next()) read.push([...message]);
        }
        expect(read).toEqual(messages.map((message) => [...message]));
        expect(reader.next()).toBeUndefined();
      },
    ),
  );
});

test("a message in one piece is not copied", () => {
  const bytes = frame(Buffer.from("hello"));
  const reader = new FrameReader();
  reader.push(bytes);
  const message = reader.next();
  expect(message?.buffer).toBe(bytes.buffer);
});

test("too large: said by its head, before its bytes are there", () => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(messageBytesMax + 1, 1);
  const reader = new FrameReader();
  reader.push(head);
  expect(() => reader.next()).toThrow(/larger than the limit/);
});

test("compressed: refused", () => {
  const reader = new FrameReader();
  reader.push(Buffer.from([1, 0, 0, 0, 0]));
  expect(() => reader.next()).toThrow(/compressed/);
});
