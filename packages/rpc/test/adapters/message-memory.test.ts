import { describe, expect, it } from "@jest/globals";
import { messageMemory } from "../../src/adapters/message-memory.js";

const pieceBytes = 256 * 1024;

describe("memory of large messages", () => {
  it("given back by any part of the message: the next one has it", () => {
    const first = messageMemory.take(pieceBytes);
    messageMemory.giveBack(first.subarray(9, 99));
    const second = messageMemory.take(pieceBytes - 1);
    expect(second.buffer).toBe(first.buffer);
    expect(second.length).toBe(pieceBytes - 1);
  });

  it("not given back: never lent again", () => {
    const first = messageMemory.take(pieceBytes);
    expect(messageMemory.take(pieceBytes).buffer).not.toBe(first.buffer);
  });

  it("given back twice: lent to one only", () => {
    const first = messageMemory.take(pieceBytes);
    messageMemory.giveBack(first);
    messageMemory.giveBack(first);
    const again = [messageMemory.take(pieceBytes), messageMemory.take(pieceBytes)];
    expect(again[0]?.buffer).not.toBe(again[1]?.buffer);
  });

  it("memory of others, and of small and of very large messages: left alone", () => {
    for (const bytes of [Buffer.alloc(pieceBytes + 1024), messageMemory.take(10), messageMemory.take(2 ** 20)]) {
      messageMemory.giveBack(bytes);
      expect(messageMemory.take(pieceBytes).buffer).not.toBe(bytes.buffer);
    }
  });
});
