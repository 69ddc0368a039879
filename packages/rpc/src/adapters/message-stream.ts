import type { Http2Stream } from "node:http2";
import { frameHeadBytes, FrameReader } from "./frame-reader.js";
import { FrameWindow } from "./frame-window.js";

// Up to here one copy is cheaper than a second write; above, the payload goes out as it is.
const copyBytesMax = 32 * 1024;

/** Messages out and in over one HTTP/2 stream, in the framing of gRPC: what client and server have in common. */
export class MessageStream {
  readonly #stream: Http2Stream;
  readonly #reader = new FrameReader();
  readonly #window = new FrameWindow();
  readonly #onBroken: (error: unknown) => void;
  #listener: ((bytes: Buffer) => void) | undefined;
  #onRead: (() => void) | undefined;
  #paused = false;
  #reading = false;

  /** @param onBroken told when what came in cannot be read as messages, or a listener threw; nothing more is read then */
  constructor(stream: Http2Stream, onBroken: (error: unknown) => void) {
    this.#stream = stream;
    this.#onBroken = onBroken;
  }

  /**
   * Sends a message, given in pieces; false asks to hold back until `onDrain`.
   *
   * @param onSent called when the system has taken all of it; not if the stream breaks before
   */
  write(pieces: readonly Uint8Array[], onSent?: () => void): boolean {
    const free = this.#window.enter();
    const length = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const { leave } = this.#window;
    const left = onSent
      ? (error?: Error | null): void => {
          leave();
          if (!error) onSent();
        }
      : leave;
    if (length <= copyBytesMax) this.#stream.write(frameOf(pieces, length), left);
    else this.#writePieces(pieces, length, left);
    return free;
  }

  #writePieces(pieces: readonly Uint8Array[], length: number, left: (error?: Error | null) => void): void {
    const head = Buffer.allocUnsafe(frameHeadBytes);
    writeHead(head, length);
    this.#stream.cork();
    this.#stream.write(head);
    for (const [index, piece] of pieces.entries()) {
      if (index < pieces.length - 1) this.#stream.write(piece);
      else this.#stream.write(piece, left);
    }
    this.#stream.uncork();
  }

  /** Whether frames wait that the peer has not taken. */
  get full(): boolean {
    return this.#window.full;
  }

  onDrain(listener: () => void): void {
    this.#window.onDrain(listener);
  }

  onMessage(listener: (bytes: Buffer) => void): void {
    const first = this.#listener === undefined;
    this.#listener = listener;
    if (!first) return;
    this.#stream.on("data", (chunk: Buffer) => {
      this.#reader.push(chunk);
      this.#read();
    });
    if (this.#paused) this.#stream.pause();
  }

  pause(): void {
    this.#paused = true;
    this.#stream.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#read();
    if (this.#isPaused()) return;
    this.#stream.resume();
    this.#onRead?.();
  }

  /** Whether somebody listens for messages. */
  get isRead(): boolean {
    return this.#listener !== undefined;
  }

  /** Calls `action` once everything that has come in was delivered: now, or when a pause is over. */
  whenRead(action: () => void): void {
    if (this.#paused) this.#onRead = action;
    else action();
  }

  #read(): void {
    if (this.#reading) return;
    this.#reading = true;
    try {
      while (!this.#paused) {
        const bytes = this.#reader.next();
        if (bytes === undefined) break;
        this.#listener?.(bytes);
      }
    } catch (thrown) {
      this.pause();
      this.#onBroken(thrown);
    } finally {
      this.#reading = false;
    }
  }

  // A listener may have paused in the meantime, which the compiler cannot see.
  #isPaused(): boolean {
    return this.#paused;
  }
}

function frameOf(pieces: readonly Uint8Array[], length: number): Buffer {
  const frame = Buffer.allocUnsafe(frameHeadBytes + length);
  writeHead(frame, length);
  let at = frameHeadBytes;
  for (const piece of pieces) {
    frame.set(piece, at);
    at += piece.byteLength;
  }
  return frame;
}

function writeHead(frame: Buffer, length: number): void {
  frame[0] = 0;
  frame.writeUInt32BE(length, 1);
}
