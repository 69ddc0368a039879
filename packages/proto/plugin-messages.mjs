// What plugins for buf read and write are messages of google/protobuf/compiler/plugin.proto. Ours need so few of their
// fields that they take them by number.
import { BinaryReader } from "@bufbuild/protobuf/wire";

export const varint = 0;
export const lengthDelimited = 2;

/** Calls `take` with every field of a message: its number, and its bytes with and without the tag. */
export function eachField(bytes, take) {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, wireType] = reader.tag();
    const payload = wireType === lengthDelimited ? reader.bytes() : reader.skip(wireType, number);
    take(number, payload, bytes.subarray(start, reader.pos));
  }
}
