/** Requests to the console's server. What comes back is taken for what `../../src/api.ts` says: page and server are one version. */
import type {
  About,
  ApiError,
  BucketList,
  BucketView,
  ClusterView,
  CreateBucketRequest,
  DeletedFile,
  EventPage,
  Explanation,
  FilePage,
  FileStat,
  StoredFile,
  WorkloadRequest,
  WorkloadRun,
} from "../../src/api.js";
import { signal } from "./ui/reactive.js";

/** The server wants a token that it was not given: the login form shows while this holds. */
export const loginNeeded = signal(false);

/** No form and no foreign page can send it. */
const ownHeader = { "X-QuorumFS-Console": "1" };

/** A request failed; the message is for people. */
export class RequestError extends Error {
  readonly status: number;
  readonly error: ApiError | undefined;

  constructor(status: number, error: ApiError | undefined) {
    super(error?.message ?? (status === 0 ? "the console's server does not answer" : `the server answered ${status}`));
    this.status = status;
    this.error = error;
  }
}

/** What to tell people of whatever was thrown, with what each node says where that is known. */
export function describeError(error: unknown): string {
  if (!(error instanceof RequestError)) return error instanceof Error ? error.message : String(error);
  const nodes = error.error?.details.nodes ?? [];
  if (nodes.length === 0) return error.message;
  return `${error.message} (${nodes.map(({ node, reason }) => `node ${node}: ${reason}`).join("; ")})`;
}

type Query = Readonly<Record<string, string | number | undefined>>;

export function apiUrl(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
  const text = parameters.toString();
  return text === "" ? `api/${path}` : `api/${path}?${text}`;
}

export const api = {
  about: () => get<About>("about"),
  login: (token: string) => send<undefined>("POST", "login", {}, { token }),
  logout: () => send<undefined>("POST", "logout"),
  cluster: () => get<ClusterView>("cluster"),
  buckets: (signal?: AbortSignal) => get<BucketList>("buckets", {}, signal),
  createBucket: (request: CreateBucketRequest) => send<BucketView>("POST", "buckets", {}, request),
  deleteBucket: (bucket: string) => send<undefined>("DELETE", "buckets", { bucket }),
  files: (query: { bucket: string; prefix?: string; after?: string; limit?: number }, signal?: AbortSignal) =>
    get<FilePage>("files", { ...query, delimiter: "/" }, signal),
  stat: (file: FileName, signal?: AbortSignal) => get<FileStat>("files/stat", file, signal),
  explain: (file: FileName, signal?: AbortSignal) => get<Explanation>("files/explain", file, signal),
  deleteFile: (file: FileName, version?: number) =>
    send<DeletedFile>("DELETE", "files/content", file, undefined, version && { "If-Match": `"${version}"` }),
  contentUrl: (file: FileName) => apiUrl("files/content", file),
  events: (query: { before?: number; kinds?: string; severity?: string; limit?: number }, signal?: AbortSignal) =>
    get<EventPage>("events", query, signal),
  startWorkload: (request: WorkloadRequest) => send<WorkloadRun>("POST", "workload", {}, request),
  stopWorkload: () => send<WorkloadRun>("DELETE", "workload"),
};

export type FileName = { readonly bucket: string; readonly path: string };

function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  return request<T>(apiUrl(path, query), signal ? { signal } : {});
}

function send<T>(
  method: "POST" | "DELETE",
  path: string,
  query?: Query,
  body?: unknown,
  headers?: Readonly<Record<string, string>> | 0,
): Promise<T> {
  const json = body === undefined ? {} : { "Content-Type": "application/json" };
  return request<T>(apiUrl(path, query), {
    method,
    headers: { ...ownHeader, ...json, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function request<T>(url: string, init: RequestInit): Promise<T> {
  const response = await fetch(url, { ...init, cache: "no-store" }).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new RequestError(0, undefined);
  });
  const text = await response.text();
  if (!response.ok) throw failure(response.status, text);
  return parse<T>(text);
}

/** Also notes that a login is needed. */
function failure(status: number, text: string): RequestError {
  if (status === 401) loginNeeded.set(true);
  return new RequestError(status, parse<ApiError | undefined>(text));
}

function parse<T>(text: string): T {
  try {
    return JSON.parse(text === "" ? "null" : text) as T;
  } catch {
    // A proxy in between may answer with a page of its own.
    return undefined as T;
  }
}

export interface Upload {
  readonly stored: Promise<StoredFile>;
  abort(): void;
}

/**
 * Sends a file. By XMLHttpRequest, which alone tells how far an upload is and takes the file from the disk piece by piece.
 *
 * @param options.ifAbsent only if there is no such file yet
 */
export function uploadFile(options: {
  file: FileName;
  content: Blob;
  ifAbsent: boolean;
  onProgress: (sentBytes: number) => void;
}): Upload {
  const transfer = new XMLHttpRequest();
  transfer.open("PUT", api.contentUrl(options.file));
  for (const [name, value] of Object.entries(ownHeader)) transfer.setRequestHeader(name, value);
  transfer.setRequestHeader("Content-Type", "application/octet-stream");
  if (options.ifAbsent) transfer.setRequestHeader("If-None-Match", "*");
  transfer.upload.addEventListener("progress", (event) => options.onProgress(event.loaded));
  const stored = new Promise<StoredFile>((resolve, reject) => {
    transfer.addEventListener("load", () => {
      if (transfer.status < 300) resolve(parse<StoredFile>(transfer.responseText));
      else reject(failure(transfer.status, transfer.responseText));
    });
    transfer.addEventListener("error", () => reject(new RequestError(0, undefined)));
    transfer.addEventListener("abort", () => reject(new DOMException("cancelled", "AbortError")));
  });
  transfer.send(options.content);
  return { stored, abort: () => transfer.abort() };
}
