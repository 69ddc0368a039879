import { Buffer } from "node:buffer";
import { hash } from "node:crypto";

/** What is too large to travel with votes: it is cut into chunks. */
const largeBytesMin = 128 * 1024 + 1;

/** No id is longer. */
const idBytesMax = 64;

/**
 * Contents that say who they are, so that whoever reads one knows which writes made it, and whether a byte is wrong: one piece of a
 * put, and behind it those of appends. A content is named by the ids of its pieces, with a `+` between them.
 */
export class Contents {
  readonly #pieces = new Map<string, Buffer>();
  readonly #etags = new Map<string, string>();
  readonly #nameByEtag = new Map<string, string>();

  /** A piece that is there once. @param size of it; never less than its id takes */
  make(id: string, size: number): Buffer {
    const line = `${id}|`;
    const piece = Buffer.alloc(Math.max(line.length, size), line);
    this.#pieces.set(id, piece);
    this.#enter(id, piece);
    return piece;
  }

  static largeSize(extraBytes: number): number {
    return largeBytesMin + extraBytes;
  }

  etagOf(name: string): string {
    return this.#etags.get(name) ?? "";
  }

  nameByEtag(etag: string): string | undefined {
    return this.#nameByEtag.get(etag);
  }

  /** The name of a content, undefined if it is not made of pieces, byte for byte. */
  identify(content: Uint8Array): string | undefined {
    const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
    const ids: string[] = [];
    for (let at = 0; at < bytes.length;) {
      const id =
        bytes
          .subarray(at, at + idBytesMax)
          .toString("latin1")
          .split("|")[0] ?? "";
      const piece = this.#pieces.get(id);
      if (!piece || !bytes.subarray(at, at + piece.length).equals(piece)) return undefined;
      ids.push(id);
      at += piece.length;
    }
    const name = ids.join("+");
    if (!this.#etags.has(name)) this.#enter(name, bytes);
    return name === "" ? undefined : name;
  }

  /** What an append of a piece makes of a content. */
  append(name: string, id: string): string {
    const longer = `${name}+${id}`;
    if (!this.#etags.has(longer)) {
      this.#enter(longer, Buffer.concat(longer.split("+").map((one) => this.#pieces.get(one) ?? Buffer.alloc(0))));
    }
    return longer;
  }

  #enter(name: string, content: Buffer): void {
    const etag = hash("sha256", content);
    this.#etags.set(name, etag);
    this.#nameByEtag.set(etag, name);
  }
}
