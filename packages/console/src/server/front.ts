/**
 * Takes every request of the console: decides who may, finds what answers, and sees that every answer has the right headers and
 * every failure the right form. `serveHttp` has refused foreign hosts and origins and what is too large before.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Clock, type Log, QuorumError } from "@quorumfs/core";
import { type HttpHandler, sendError } from "@quorumfs/telemetry";
import type { Connection } from "../connection.js";
import type { Exchange, Route, Routes } from "../routes/route.js";
import { type Access, requireOwnPage } from "./access.js";
import type { Page } from "./page.js";
import { Query } from "./query.js";
import { Refusal } from "./refusal.js";
import { sendCompressed, setSecurityHeaders } from "./replies.js";

/** More at once than any number of people asks; a transfer or an event stream counts as long as it runs. */
const requestsMax = 400;
/** What a browser that still sends is given to notice that it has been answered. */
const lingerMs = 5_000;

export interface FrontOptions {
  readonly access: Access;
  readonly page: Page;
  readonly connection: Connection;
  /** Below `/api/`. */
  readonly routes: Routes;
  /** Of `routes`, those that need no right. */
  readonly openRoutes: ReadonlySet<string>;
  /** Elsewhere, and for everybody: `GET /metrics`. */
  readonly publicRoutes: Routes;
  readonly clock: Clock;
  readonly log: Log;
}

export function front(options: FrontOptions): HttpHandler {
  let underWay = 0;
  return async (request, response, url) => {
    setSecurityHeaders(response);
    underWay += 1;
    const gone = new AbortController();
    response.once("close", () => {
      underWay -= 1;
      gone.abort();
    });
    try {
      if (underWay > requestsMax) {
        throw new Refusal(429, "resource_exhausted", "too many requests are under way: try again in a moment");
      }
      await answer({ ...options, request, response, url, signal: gone.signal });
    } catch (thrown) {
      fail(options, request, response, QuorumError.from(thrown));
    } finally {
      discardRest(request, response, options.clock);
    }
  };
}

interface Asked extends FrontOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly signal: AbortSignal;
}

async function answer(asked: Asked): Promise<void> {
  const { access, page, connection, clock, request, response, url, signal } = asked;
  const method = request.method ?? "";
  const { pathname } = url;
  const isApi = pathname.startsWith("/api/");
  const found = routeOf(isApi ? asked.routes : asked.publicRoutes, method, pathname);
  if (!found && !isApi) return page.serve(request, response, decoded(pathname));
  if (isApi) {
    requireOwnPage(method, request.headers);
    if (!found || !asked.openRoutes.has(found.key)) access.require(request.headers);
  }
  if (!found) throw noRoute(asked.routes, pathname);
  const exchange: Exchange = {
    request,
    response,
    query: new Query(url),
    clock,
    signal,
    client: () => connection.client(),
  };
  const body = await found.route(exchange);
  if (body !== undefined) await sendCompressed(request, response, body);
  else if (response.statusCode === 204) response.end();
}

function routeOf(routes: Routes, method: string, path: string): { key: string; route: Route } | undefined {
  const key = `${method === "HEAD" ? "GET" : method} ${path}`;
  const route = Object.hasOwn(routes, key) ? routes[key] : undefined;
  return route && { key, route };
}

function noRoute(routes: Routes, path: string): Refusal {
  const others = Object.keys(routes).filter((key) => key.endsWith(` ${path}`));
  if (others.length === 0) return new Refusal(404, "not_found", "the API has nothing under this path");
  const methods = others.map((key) => key.slice(0, key.indexOf(" "))).join(", ");
  return new Refusal(405, "invalid_argument", `${path} takes ${methods}`);
}

/** Of a path that is none, itself: there is no such file. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function fail(options: FrontOptions, request: IncomingMessage, response: ServerResponse, error: QuorumError): void {
  // Whoever has gone hears nothing, and what his going broke is no fault.
  if (response.destroyed) return;
  const { method, url } = request;
  if (error.code === "internal")
    options.log.error("console.request-failed", { method, url: url?.slice(0, 200), error });
  // What a route said of its content does not hold for an error.
  if (!response.headersSent) {
    for (const name of ["Content-Length", "Content-Disposition", "Content-Encoding", "Content-Range", "ETag"]) {
      response.removeHeader(name);
    }
    if (error instanceof Refusal && error.status === 401) response.setHeader("WWW-Authenticate", "Bearer");
  }
  sendError(response, error, error instanceof Refusal ? error.status : undefined);
}

/**
 * An upload that was answered before it was read to its end: a connection that is cut at once takes the answer with it, so what
 * still comes is thrown away for a moment.
 */
function discardRest(request: IncomingMessage, response: ServerResponse, clock: Clock): void {
  if (request.complete || request.destroyed || !response.writableEnded) return;
  request.resume();
  const cancel = clock.after(lingerMs, () => request.destroy());
  request.once("close", cancel);
}
