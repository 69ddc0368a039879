import type { IncomingMessage, ServerResponse } from "node:http";
import { type Metrics, metricsText } from "../metrics/metrics.js";
import { sendJson } from "./replies.js";

/**
 * Answers one request; what it throws is answered as an error.
 *
 * @param url as it was asked, with a host that means nothing
 */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse, url: URL) => void | Promise<void>;

/** For `/metrics`, in Prometheus' text format. */
export function metricsRoute(registries: () => readonly Metrics[]): HttpHandler {
  return async (_request, response) => {
    const text = await metricsText(registries());
    response.writeHead(200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" });
    response.end(text);
  };
}

/** For `/healthz`: 200 while `status` says `serving`, else 503; the status as JSON. */
export function healthRoute(status: () => "starting" | "serving" | "closing"): HttpHandler {
  return (_request, response) => {
    const now = status();
    sendJson(response, { status: now }, now === "serving" ? 200 : 503);
  };
}
