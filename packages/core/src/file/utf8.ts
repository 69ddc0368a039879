/**
 * The core knows no TextEncoder (it is a host's API), and needs only these two facts about UTF-8. Most paths are ASCII,
 * and every operation asks, so that ASCII takes a short way.
 */

/** Bytes that `text` takes in UTF-8. */
export function utf8Length(text: string): number {
  let length = 0;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) {
      length += 1;
      continue;
    }
    const code = text.codePointAt(index) ?? 0;
    if (code > 0xffff) index += 1;
    length += utf8Width(code);
  }
  return length;
}

function utf8Width(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}

/** Feeds the UTF-8 bytes of `text` to `sink`. */
export function eachUtf8Byte(text: string, sink: (byte: number) => void): void {
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) {
      sink(unit);
      continue;
    }
    const code = text.codePointAt(index) ?? 0;
    if (code > 0xffff) index += 1;
    switch (utf8Width(code)) {
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
