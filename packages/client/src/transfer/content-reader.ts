import { fileBytesMax, QuorumError } from "@quorumfs/core";
import type { FileContent } from "../file-info.js";

/** Content as a caller hands it in, read once, piece by piece. */
export class ContentReader {
  readonly #name: string;
  readonly #iterator: Iterator<unknown> | AsyncIterator<unknown>;
  /** What the content must come to, if that was said or is plain. */
  readonly size: number | undefined;
  /** What {@link next} delivers stays as it is until the transfer has ended; other sources may use their memory anew. */
  readonly keepsPieces: boolean;
  #read = 0;
  #ended = false;

  /**
   * @param options.size what the caller says that the content's length is
   * @throws QuorumError `invalid_argument`
   */
  constructor(name: string, content: FileContent, options: { readonly size?: number | undefined } = {}) {
    this.#name = name;
    const known = lengthOf(content);
    const { size = known } = options;
    if (size !== undefined) this.#checkSize(size);
    if (known !== undefined && known !== size) throw this.#unmet(known, size);
    this.size = size;
    this.keepsPieces = known !== undefined;
    try {
      this.#iterator = iteratorOf(name, content);
    } catch (cause) {
      // A stream that somebody else reads already.
      throw unreadable(name, cause);
    }
  }

  /**
   * The next bytes, never none of them; undefined at the end. They are the caller's and may be changed by it later.
   *
   * @throws QuorumError `invalid_argument` if the length is not as announced, or what the source has thrown, as `cause`
   */
  async next(): Promise<Uint8Array | undefined> {
    while (!this.#ended) {
      const result = await this.#step();
      if (result.done === true) {
        this.#ended = true;
        if (this.size !== undefined && this.#read !== this.size) throw this.#unmet(this.#read, this.size);
        return undefined;
      }
      const piece = this.#checked(result.value);
      if (piece.length > 0) return piece;
    }
    return undefined;
  }

  async #step(): Promise<IteratorResult<unknown>> {
    try {
      return await this.#iterator.next();
    } catch (cause) {
      this.#ended = true;
      throw unreadable(this.#name, cause);
    }
  }

  #checked(piece: unknown): Uint8Array {
    if (!(piece instanceof Uint8Array)) {
      throw invalid(`the content of ${this.#name} must come as Uint8Array, not as ${typeof piece}`);
    }
    this.#read += piece.length;
    this.#checkSize(this.#read);
    if (this.size !== undefined && this.#read > this.size) throw this.#unmet(`${this.#read} or more`, this.size);
    return piece;
  }

  #checkSize(size: number): void {
    if (Number.isSafeInteger(size) && size >= 0 && size <= fileBytesMax) return;
    throw invalid(`${this.#name} would be ${size} bytes; the most is ${fileBytesMax} bytes (5 TiB)`);
  }

  #unmet(is: number | string, size: number | undefined): QuorumError {
    return invalid(`the content of ${this.#name} has ${is} bytes, not ${size} as was said`);
  }

  /** Lets the source go, where it has not come to its end. Its word on that is not waited for. Idempotent. */
  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    void this.#return();
  }

  async #return(): Promise<void> {
    try {
      await this.#iterator.return?.();
    } catch {
      // Why the transfer has ended is known already.
    }
  }
}

function lengthOf(content: FileContent): number | undefined {
  if (content instanceof Uint8Array) return content.length;
  if (content instanceof Blob) return content.size;
  return typeof content === "string" ? Buffer.byteLength(content) : undefined;
}

function iteratorOf(name: string, content: FileContent): Iterator<unknown> | AsyncIterator<unknown> {
  if (typeof content === "string") return [Buffer.from(content)].values();
  if (content instanceof Uint8Array) return [content].values();
  if (content instanceof Blob) return content.stream()[Symbol.asyncIterator]();
  if (Symbol.asyncIterator in content) return content[Symbol.asyncIterator]();
  if (Symbol.iterator in content) return content[Symbol.iterator]();
  throw invalid(`the content of ${name} must be bytes, text, a Blob, a stream or an iterable of Uint8Array`);
}

function unreadable(name: string, cause: unknown): QuorumError {
  const code = cause instanceof QuorumError ? cause.code : "invalid_argument";
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new QuorumError({ code, message: `the content of ${name} could not be read: ${reason}`, cause });
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
