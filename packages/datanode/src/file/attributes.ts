import { QuorumError } from "@quorumfs/core";

// They travel with every vote that moves a value and stay in memory while it is listed; whoever needs more has a file.
export const attributesMax = 16;
export const attributeBytesMax = 2048;

/** @throws QuorumError `invalid_argument`: at most 16, not without a name, and 2 KiB in all */
export function checkAttributes(attributes: ReadonlyMap<string, string>): void {
  if (attributes.size === 0) return;
  if (attributes.size > attributesMax) {
    throw invalid(`a file has at most ${attributesMax} attributes, got ${attributes.size}`);
  }
  let bytes = 0;
  for (const [name, value] of attributes) {
    if (name === "") throw invalid("an attribute needs a name");
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  if (bytes > attributeBytesMax) {
    throw invalid(`attributes take at most ${attributeBytesMax} bytes in all, got ${bytes}`);
  }
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
