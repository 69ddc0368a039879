/** The core knows no TextEncoder (it is a host's API), and needs only these two facts about UTF-8. */

/** Bytes that `text` takes in UTF-8. */
export function utf8Length(text: string): number {
  let length = 0;
  for (const character of text) length += utf8Width(character.codePointAt(0) ?? 0);
  return length;
}

function utf8Width(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}

/** Feeds the UTF-8 bytes of `text` to `sink`. */
export function eachUtf8Byte(text: string, sink: (byte: number) => void): void {
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    switch (utf8Width(code)) {
      case 1:
        sink(code);
        break;
      case 2:
        sink(0xc0 | (code >> 6));
        sink(0x80 | (code & 0x3f));
        break;
      case 3:
        sink(0xe0 | (code >> 12));
        sink(0x80 | ((code >> 6) & 0x3f));
        sink(0x80 | (code & 0x3f));
        break;
      default:
        sink(0xf0 | (code >> 18));
        sink(0x80 | ((code >> 12) & 0x3f));
        sink(0x80 | ((code >> 6) & 0x3f));
        sink(0x80 | (code & 0x3f));
    }
  }
}
