import type { IncomingMessage, ServerResponse } from "node:http";
import { type PageFile, readPageFiles } from "../adapters/page-files.js";
import { accepts } from "./replies.js";
import { Refusal } from "./refusal.js";

const missing = `The console's page has not been built.

In a clone of the repository: npm run build
The API is there without it: /api/about, /api/cluster, /metrics
`;

/** The page's own files: HTML, scripts, styles. */
export class Page {
  readonly #directory: string;
  #files: Promise<ReadonlyMap<string, PageFile>> | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws Refusal 404, 405 */
  async serve(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    if (request.method !== "GET" && request.method !== "HEAD") {
      throw new Refusal(405, "invalid_argument", "the page's files can only be read");
    }
    const files = await (this.#files ??= readPageFiles(this.#directory));
    const file = files.get(path === "/" ? "/index.html" : path);
    if (file) return send(request, response, file);
    // It may be built while we run.
    if (files.size === 0) this.#files = undefined;
    if (path !== "/") throw new Refusal(404, "not_found", "there is nothing under this path");
    response.statusCode = 503;
    response.setHeader("Content-Type", "text/plain; charset=utf-8");
    response.end(missing);
  }
}

function send(request: IncomingMessage, response: ServerResponse, file: PageFile): void {
  response.setHeader("Content-Type", file.type);
  response.setHeader("Cache-Control", file.immutable ? "public, max-age=31536000, immutable" : "no-cache");
  response.setHeader("ETag", file.etag);
  response.setHeader("Vary", "Accept-Encoding");
  if (request.headers["if-none-match"] === file.etag) {
    response.statusCode = 304;
    response.end();
    return;
  }
  const brotli = accepts(request, "br") ? file.brotli : undefined;
  const gzip = accepts(request, "gzip") ? file.gzip : undefined;
  const body = brotli ?? gzip ?? file.plain;
  if (body !== file.plain) response.setHeader("Content-Encoding", body === brotli ? "br" : "gzip");
  response.setHeader("Content-Length", body.length);
  response.end(request.method === "HEAD" ? undefined : body);
}
