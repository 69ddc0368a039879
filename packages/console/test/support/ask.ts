/** Requests to a console as a program sends them: every header is ours. */
import { type IncomingMessage, request, type RequestOptions } from "node:http";
import { connect, type Socket } from "node:net";
import { brotliDecompressSync, gunzipSync } from "node:zlib";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  /** Of JSON. */
  readonly json: unknown;
}

export interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

const ownPage = { "X-QuorumFS-Console": "1" };

/** Asks as the page does: with the header that changes need. */
export function ask(url: string, path: string, options: AskOptions = {}): Promise<Answer> {
  return askRaw(url, path, { ...options, headers: { ...ownPage, ...options.headers } });
}

export function askJson(url: string, path: string, method: string, body: unknown): Promise<Answer> {
  return ask(url, path, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

/** Asks with these headers only. */
export function askRaw(url: string, path: string, options: AskOptions = {}): Promise<Answer> {
  const { hostname, port } = new URL(url);
  const { method = "GET", headers = {}, body } = options;
  const how: RequestOptions = { hostname, port, path, method, headers: { ...headers }, agent: false };
  return new Promise((resolve, reject) => {
    const asked = request(how, (response) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.on("error", reject);
      response.on("end", () => {
        const text = decoded(Buffer.concat(pieces), response.headers["content-encoding"]).toString("utf8");
        const isJson = response.headers["content-type"]?.startsWith("application/json") === true;
        const json: unknown = isJson && text !== "" && method !== "HEAD" ? JSON.parse(text) : undefined;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
      });
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

function decoded(body: Buffer, encoding: string | undefined): Buffer {
  if (encoding === "gzip") return gunzipSync(body);
  return encoding === "br" ? brotliDecompressSync(body) : body;
}

/** A connection on which anything may be written. */
export function openSocket(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => resolve(socket));
    socket.once("error", reject);
  });
}
