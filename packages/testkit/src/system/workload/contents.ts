import { Buffer } from "node:buffer";
import { hash } from "node:crypto";

/** What is too large to travel with votes: it is cut into chunks. */
const largeBytesMin = 128 * 1024 + 1;

/** Contents that say who they are, so that whoever reads one knows which write made it, and whether a byte is wrong. */
export class Contents {
  readonly #byId = new Map<string, Buffer>();
  readonly #idByEtag = new Map<string, string>();

  /** @param size of the content; never less than its id takes */
  make(id: string, size: number): Buffer {
    const line = `${id}|`;
    const content = Buffer.alloc(Math.max(line.length, size), line);
    this.#byId.set(id, content);
    this.#idByEtag.set(hash("sha256", content), id);
    return content;
  }

  static largeSize(extraBytes: number): number {
    return largeBytesMin + extraBytes;
  }

  etagOf(id: string): string {
    const content = this.#byId.get(id);
    return content ? hash("sha256", content) : "";
  }

  idByEtag(etag: string): string | undefined {
    return this.#idByEtag.get(etag);
  }

  /** The id of a content, undefined if it is none that was ever made, byte for byte. */
  identify(content: Uint8Array): string | undefined {
    const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
    const id = bytes.subarray(0, 64).toString("latin1").split("|")[0] ?? "";
    return this.#byId.get(id)?.equals(bytes) === true ? id : undefined;
  }
}
