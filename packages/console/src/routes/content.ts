/**
 * The contents of files, streamed between a browser and the cluster without being kept: what the browser does not take is not
 * fetched, what the cluster does not take is not read, and when either goes the other is told.
 *
 * Contents are anybody's, so they never run here: they come as attachments of no type, in a sandbox.
 */
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { QuorumFs, ReadResult } from "@quorumfs/client";
import { QuorumError } from "@quorumfs/core";
import type { DeletedFile, StoredFile } from "../api.js";
import { piecesOf } from "../server/body.js";
import { invalid, Refusal } from "../server/refusal.js";
import { fileView, voteView } from "../views/file-view.js";
import { parseByteRange } from "./byte-range.js";
import type { Exchange, Routes } from "./route.js";
import { TransferSlots } from "./transfer-slots.js";

/** A client of the cluster holds at most 24 MiB of all its uploads; more of them at once would only share that. */
export const uploadsMax = 8;
/** Each reads a few chunks of 4 MiB ahead. */
export const downloadsMax = 16;
/** Above it a condition is looked at before anything is sent, too, rather than after gigabytes. */
const lookFirstBytes = 1024 * 1024;

export function contentRoutes(): Routes {
  const uploads = new TransferSlots(uploadsMax);
  const downloads = new TransferSlots(downloadsMax);
  return {
    "GET /api/files/content": (exchange) => downloads.run(() => download(exchange)),
    "PUT /api/files/content": (exchange) => uploads.run(() => upload(exchange)),
    "DELETE /api/files/content": remove,
  };
}

async function download(exchange: Exchange): Promise<undefined> {
  const { request, response, signal } = exchange;
  const name = nameOf(exchange);
  const client = await exchange.client();
  const found = await readRange(client, name, request, signal);
  const { file, offset, length, body } = found;
  try {
    response.setHeader("Content-Type", "application/octet-stream");
    response.setHeader("Content-Disposition", attachment(file.path));
    response.setHeader("Content-Security-Policy", "sandbox; default-src 'none'");
    response.setHeader("Content-Length", length);
    response.setHeader("Accept-Ranges", "bytes");
    response.setHeader("ETag", versionTag(file.version));
    response.setHeader("Last-Modified", file.modifiedAt.toUTCString());
    if (found.isPart) {
      response.statusCode = 206;
      response.setHeader("Content-Range", `bytes ${offset}-${offset + length - 1}/${file.size}`);
    }
    if (request.method === "HEAD") {
      await body.cancel();
      response.end();
      return undefined;
    }
    await pipeline(Readable.fromWeb(body), response, { signal });
    return undefined;
  } catch (thrown) {
    // Whoever has gone need not be told; who is there sees that the answer is cut short.
    if (signal.aborted) return undefined;
    throw thrown;
  }
}

async function readRange(
  client: QuorumFs,
  name: string,
  { headers }: IncomingMessage,
  signal: AbortSignal,
): Promise<ReadResult & { readonly isPart: boolean }> {
  const range = parseByteRange(headers.range);
  if (!range) return { ...(await client.read(name, { signal })), isPart: false };
  const { file } = await client.stat(name, { signal });
  // The file that a download was begun with is another one by now: it begins anew.
  const since = headers["if-range"];
  if (since !== undefined && since !== versionTag(file.version)) {
    return { ...(await client.read(name, { signal })), isPart: false };
  }
  const offset = "last" in range ? Math.max(0, file.size - range.last) : range.from;
  const length = "last" in range ? file.size - offset : range.length;
  if (offset >= file.size || length === 0) {
    throw new Refusal(416, "invalid_argument", `the file has ${file.size} bytes, and none from ${offset} on`);
  }
  const part = await client.read(name, { offset, ...(length !== undefined && { length }), signal });
  return { ...part, isPart: true };
}

async function upload(exchange: Exchange): Promise<StoredFile> {
  const { request, response, query, signal } = exchange;
  const bucket = query.required("bucket");
  const name = nameOf(exchange);
  const size = sizeOf(request);
  const condition = conditionOf(request);
  const client = await exchange.client();
  if (condition.kind !== "none" && (size ?? Infinity) > lookFirstBytes)
    await lookFirst(client, name, condition, signal);
  const stored = await client.put(name, bytesOf(request), {
    ...(size !== undefined && { size }),
    ...(condition.kind === "absent" && { ifAbsent: true }),
    ...(condition.kind === "version" && { ifVersion: condition.version }),
    signal,
  });
  response.statusCode = condition.kind === "absent" ? 201 : 200;
  response.setHeader("ETag", versionTag(stored.file.version));
  return { bucket, file: fileView(stored.file), vote: voteView(stored) };
}

async function remove(exchange: Exchange): Promise<DeletedFile> {
  const condition = conditionOf(exchange.request);
  if (condition.kind === "absent") throw invalid("a delete takes If-Match only");
  const deleted = await (
    await exchange.client()
  ).delete(nameOf(exchange), {
    ...(condition.kind === "version" && { ifVersion: condition.version }),
    signal: exchange.signal,
  });
  return { version: deleted.version, vote: voteView(deleted) };
}

function nameOf({ query }: Exchange): string {
  return `${query.required("bucket")}/${query.required("path")}`;
}

type Condition =
  { readonly kind: "none" } | { readonly kind: "absent" } | { readonly kind: "version"; readonly version: number };

function conditionOf({ headers }: IncomingMessage): Condition {
  const ifAbsent = headers["if-none-match"];
  const ifVersion = headers["if-match"];
  if (ifAbsent === undefined && ifVersion === undefined) return { kind: "none" };
  if (ifAbsent !== undefined && ifVersion !== undefined) throw invalid("If-None-Match and If-Match exclude each other");
  if (ifAbsent !== undefined) {
    if (ifAbsent.trim() === "*") return { kind: "absent" };
    throw invalid("If-None-Match takes * only: the file does not exist yet");
  }
  const version = Number(/^"?(\d+)"?$/.exec((ifVersion ?? "").trim())?.[1]);
  if (Number.isSafeInteger(version)) return { kind: "version", version };
  throw invalid('If-Match takes the version of the file in quotes, for example "17"');
}

/** The vote decides; but it comes after the content, and what cannot hold now will hardly hold then. */
async function lookFirst(client: QuorumFs, name: string, condition: Condition, signal: AbortSignal): Promise<void> {
  const found = await client.stat(name, { signal }).then(
    ({ file }) => file.version,
    (thrown: unknown) => {
      const error = QuorumError.from(thrown);
      if (error.code === "not_found") return 0;
      throw error;
    },
  );
  const holds = condition.kind === "version" ? found === condition.version : found === 0;
  if (holds) return;
  throw new QuorumError({
    code: "precondition_failed",
    message: found === 0 ? `there is no ${name}` : `${name} is there, at version ${found}`,
    details: { currentVersion: found },
  });
}

function sizeOf({ headers }: IncomingMessage): number | undefined {
  const header = headers["content-length"];
  if (header === undefined) return undefined;
  const size = Number(header);
  if (Number.isSafeInteger(size)) return size;
  throw invalid(`${JSON.stringify(header.slice(0, 40))} is no length of a content`);
}

/** Ends with an error if the asker goes before its end, which Node tells of one that it has asked for only. */
async function* bytesOf(request: IncomingMessage): AsyncGenerator<Uint8Array, void, undefined> {
  yield* piecesOf(request);
  if (!request.complete) throw new QuorumError({ code: "cancelled", message: "the upload was cut short" });
}

function versionTag(version: number): string {
  return `"${version}"`;
}

/** The last part of a path, as a name that any browser takes. @see RFC 6266, RFC 8187 */
export function attachment(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const plain = name.replace(/[^\w.\- ]/g, "_").slice(0, 200);
  const whole = encodeURIComponent(name).replace(
    /['()*]/g,
    (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${whole}`;
}
