import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

export interface PageFile {
  readonly type: string;
  /** Strong, of the content. */
  readonly etag: string;
  /** Its name changes with its content, so that it may be kept for good. */
  readonly immutable: boolean;
  readonly plain: Buffer;
  /** Undefined where it would not be smaller. */
  readonly gzip: Buffer | undefined;
  readonly brotli: Buffer | undefined;
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
};
const compressible = /^(text\/|application\/(json|manifest)|image\/svg)/;

/** The page is some 300 KB in a dozen files. */
const filesMax = 500;
const bytesMax = 16 * 2 ** 20;

const toBrotli = promisify(brotliCompress);
const toGzip = promisify(gzip);

/**
 * The files of the page as it was built, compressed once and kept in memory, by URL path. Only what is in it can be asked for, so
 * that no path leads anywhere else.
 *
 * @returns empty if it was not built
 */
export async function readPageFiles(directory: string): Promise<ReadonlyMap<string, PageFile>> {
  const names = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = new Map<string, PageFile>();
  let bytes = 0;
  for (const entry of names.slice(0, filesMax)) {
    const type = types[extname(entry.name)];
    if (!entry.isFile() || type === undefined) continue;
    const path = join(entry.parentPath, entry.name);
    const plain = await readFile(path);
    bytes += plain.length;
    if (bytes > bytesMax) break;
    const urlPath = path.slice(directory.length).split(sep).join("/");
    files.set(urlPath.startsWith("/") ? urlPath : `/${urlPath}`, {
      type,
      etag: `"${createHash("sha256").update(plain).digest("base64url").slice(0, 22)}"`,
      // As Vite names what the page refers to.
      immutable: /^\/?assets\/.+-[\w-]{8,}\.\w+$/.test(urlPath),
      plain,
      ...(compressible.test(type) ? await compressed(plain) : { gzip: undefined, brotli: undefined }),
    });
  }
  return files;
}

async function compressed(plain: Buffer): Promise<Pick<PageFile, "gzip" | "brotli">> {
  const [small, smaller] = await Promise.all([
    toGzip(plain, { level: 9 }),
    toBrotli(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
  ]);
  return {
    gzip: small.length < plain.length ? small : undefined,
    brotli: smaller.length < plain.length ? smaller : undefined,
  };
}
