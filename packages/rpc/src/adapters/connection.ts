import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from "node:http2";
import {
  connectionWindowBytes,
  connectTimeoutMs,
  keepAliveMs,
  keepAliveTimeoutMs,
  sessionMemoryMbMax,
  streamWindowBytes,
} from "./limits.js";

/**
 * The HTTP/2 connection under a channel's duplex streams: made when first needed, and again when it is needed after it
 * was lost. Whoever opens streams paces the attempts.
 */
export class Connection {
  readonly #address: string;
  #session: ClientHttp2Session | undefined;
  #closed = false;

  constructor(address: string) {
    this.#address = address;
  }

  /** Opens a stream, which fails by itself if the connection cannot be made; undefined after `close`. */
  request(
    headers: OutgoingHttpHeaders,
  ): { readonly stream: ClientHttp2Stream; readonly session: ClientHttp2Session } | undefined {
    if (this.#closed) return undefined;
    // One that is being closed takes no more streams.
    const usable = this.#session?.closed === false && !this.#session.destroyed;
    const session = usable && this.#session ? this.#session : this.#connect();
    return { stream: session.request(headers), session };
  }

  /** Ends the connection and its streams. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#session?.destroy();
    this.#session = undefined;
  }

  #connect(): ClientHttp2Session {
    const session = connect(`http://${this.#address}`, {
      settings: { initialWindowSize: streamWindowBytes, enablePush: false },
      maxSessionMemory: sessionMemoryMbMax,
    });
    const forget = (): void => {
      if (this.#session === session) this.#session = undefined;
    };
    const giveUp = setTimeout(
      () => session.destroy(new Error("no answer to the attempt to connect")),
      connectTimeoutMs,
    );
    session.once("connect", () => {
      // It may have been destroyed between the socket's word and this.
      if (!session.destroyed) session.setLocalWindowSize(connectionWindowBytes);
    });
    session.once("remoteSettings", () => clearTimeout(giveUp));
    // The server takes no more streams on it; those that it has go on.
    session.once("goaway", forget);
    // Every stream hears of it as well.
    session.on("error", forget);
    const stopPinging = keepAlive(session);
    session.once("close", () => {
      clearTimeout(giveUp);
      stopPinging();
      forget();
    });
    this.#session = session;
    return session;
  }
}

/** Notices a peer that has gone without a word. */
function keepAlive(session: ClientHttp2Session): () => void {
  let answered: NodeJS.Timeout | undefined;
  const ping = setInterval(() => {
    if (session.connecting || session.destroyed) return;
    answered = setTimeout(() => session.destroy(new Error("no answer to a ping")), keepAliveTimeoutMs);
    session.ping(() => clearTimeout(answered));
  }, keepAliveMs);
  ping.unref();
  return () => {
    clearInterval(ping);
    clearTimeout(answered);
  };
}
