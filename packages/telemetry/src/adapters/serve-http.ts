import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type Log, QuorumError } from "@quorumfs/core";
import { foreignness } from "../http/own-host.js";
import { sendError } from "../http/replies.js";
import type { HttpHandler } from "../http/routes.js";

export interface HttpLimits {
  /** More are closed at once. */
  readonly connectionsMax: number;
  /** Of a request's line and headers. */
  readonly headerBytesMax: number;
  readonly urlBytesMax: number;
  /** Until a request's headers are there. */
  readonly headersTimeoutMs: number;
  /** Until all of a request is there; 0: as long as it takes. */
  readonly requestTimeoutMs: number;
  /** A connection on which nothing moves for so long, in the middle of an answer or not, is closed. */
  readonly idleTimeoutMs: number;
  /** How long a connection waits for its next request. */
  readonly keepAliveMs: number;
}

/** For a server that a few scrapers and people with curl ask. */
export const httpLimitsDefault: HttpLimits = {
  // Two Prometheus servers and some tools need a dozen; who never reads holds a page of 100 KB each.
  connectionsMax: 64,
  headerBytesMax: 16 * 1024,
  // The longest path of a file is 1 KiB, three times that in a URL.
  urlBytesMax: 8 * 1024,
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 10_000,
  idleTimeoutMs: 30_000,
  // Prometheus comes every 15 s, or every minute.
  keepAliveMs: 75_000,
};

export interface ServeHttpOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** What to do when the port is taken: fail, take any free one, or the next free one of a few above. Default `fail`. */
  readonly whenTaken?: "fail" | "any" | "next";
  /** By exact path, for GET and HEAD. */
  readonly routes?: Readonly<Record<string, HttpHandler>>;
  /** For all that `routes` does not have, whatever the method; without it that is not found. */
  readonly handler?: HttpHandler;
  /** Names under which the server is known besides those of loopback. */
  readonly names?: readonly string[];
  readonly limits?: Partial<HttpLimits>;
  readonly log: Log;
}

export interface HttpServing extends AsyncDisposable {
  /** `http://127.0.0.1:7101`; of a server that listens everywhere, the loopback's. */
  readonly url: string;
  /** host:port where it listens. */
  readonly address: string;
  readonly port: number;
  /** Takes no more requests, lets those under way end for a moment, then cuts them off. Idempotent. */
  close(): Promise<void>;
}

/** With `next`: as many ports as a machine may run of the same. */
const nextPortsMax = 100;
const closeGraceMs = 500;
/** How often requests that take too long are looked for. */
const timeoutsCheckedEveryMs = 1_000;

/**
 * Serves HTTP/1.1 within limits. Requests of a foreign Host, where it listens on loopback, or of a foreign Origin are refused;
 * answers are neither cached nor sniffed.
 *
 * @throws QuorumError `unavailable`: the port is taken; `invalid_argument`: there is no such address here
 */
export async function serveHttp(options: ServeHttpOptions): Promise<HttpServing> {
  const { host, log } = options;
  const limits = { ...httpLimitsDefault, ...options.limits };
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: timeoutsCheckedEveryMs,
    },
    (request, response) => void answer(request, response, options, limits),
  );
  server.maxConnections = limits.connectionsMax;
  server.timeout = limits.idleTimeoutMs;
  const port = await listenSomewhere(server, options);
  // From here on an error is one of accepting a connection (too many open files, say): the next may do better.
  server.on("error", (error) => log.warn("http.not-accepted", { error: QuorumError.from(error) }));
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= closeServer(server));
  const address = `${bracketed(host)}:${port}`;
  return { url: `http://${reachable(host)}:${port}`, address, port, close, [Symbol.asyncDispose]: close };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: ServeHttpOptions,
  { urlBytesMax }: HttpLimits,
): Promise<void> {
  const { routes = {}, handler, host, names = [], log } = options;
  const { url: target = "", method = "", headers } = request;
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.setHeader("Cache-Control", "no-store");
  // Whoever asked may go at any time.
  response.on("error", () => undefined);
  try {
    if (target.length > urlBytesMax) return refuse(response, 414, "the URL is too long");
    const foreign = foreignness({ host: headers.host, origin: headers.origin }, { listensOn: host, names });
    if (foreign !== undefined) return refuse(response, 403, foreign);
    if (!target.startsWith("/") || !URL.canParse(`http://localhost${target}`)) {
      return refuse(response, 400, "the URL is none");
    }
    const url = new URL(`http://localhost${target}`);
    const route = Object.hasOwn(routes, url.pathname) ? routes[url.pathname] : undefined;
    if (route !== undefined && method !== "GET" && method !== "HEAD") {
      response.setHeader("Allow", "GET, HEAD");
      return refuse(response, 405, `${url.pathname} can only be read`);
    }
    const found = route ?? handler;
    if (found === undefined) return refuse(response, 404, "there is nothing under this path");
    await found(request, response, url);
  } catch (thrown) {
    const error = QuorumError.from(thrown);
    if (error.code === "internal") log.error("http.handler-failed", { method, error });
    sendError(response, error);
  }
}

function refuse(response: ServerResponse, status: 400 | 403 | 404 | 405 | 414, message: string): void {
  const code = status === 403 ? "permission_denied" : status === 404 ? "not_found" : "invalid_argument";
  // What the request still sends is not waited for.
  response.setHeader("Connection", "close");
  sendError(response, new QuorumError({ code, message }), status);
}

async function listenSomewhere(server: Server, options: ServeHttpOptions): Promise<number> {
  const { port, host, whenTaken = "fail", log } = options;
  for (const wanted of portsToTry(port, whenTaken)) {
    const taken = await listen(server, { host, port: wanted });
    if (taken === undefined) continue;
    if (port !== 0 && taken !== port) log.warn("http.port-taken", { wanted: port, port: taken });
    return taken;
  }
  throw new QuorumError({ code: "unavailable", message: `port ${port} of ${host} is in use: choose another one` });
}

function portsToTry(port: number, whenTaken: "fail" | "any" | "next"): readonly number[] {
  switch (whenTaken) {
    case "fail":
      return [port];
    case "any":
      return [port, 0];
    case "next":
      return Array.from({ length: nextPortsMax }, (_, above) => port + above).filter((next) => next <= 65_535);
  }
}

/** @returns the port; undefined if it is taken */
function listen(server: Server, where: { readonly host: string; readonly port: number }): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      if (error.code === "EADDRINUSE") return resolve(undefined);
      const message = `cannot listen on ${where.host}:${where.port}: ${error.message}`;
      reject(new QuorumError({ code: "invalid_argument", message, cause: error }));
    };
    server.once("error", failed);
    server.listen(where, () => {
      server.off("error", failed);
      const bound = server.address();
      resolve(typeof bound === "object" && bound !== null ? bound.port : where.port);
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const grace = setTimeout(() => server.closeAllConnections(), closeGraceMs);
    server.close(() => {
      clearTimeout(grace);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "[::1]" : bracketed(host);
}
