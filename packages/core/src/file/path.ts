import { QuorumError } from "../errors.js";
import { utf8Length } from "./utf8.js";

export const pathBytesMax = 1024;

// The C0 and C1 controls and DEL; lone surrogates and U+FFFD are what invalid UTF-8 turns into when it is decoded.
const control = /[\u0000-\u001f\u007f-\u009f]/u;
const notUtf8 = /[\ud800-\udfff\ufffd]/u;
// What nearly every path looks like: ASCII, segments that do not begin with a dot. Anything else is looked at closely.
const plainPath = /^[!-\-0-~][ -.0-~]*(?:\/[!-\-0-~][ -.0-~]*)*$/;
const bucketName = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;

/**
 * The one check that every path passes wherever it comes in.
 *
 * @returns the path as it was given: nothing is normalised, two different texts are two files.
 * @throws QuorumError `invalid_argument`: 1 to 1024 bytes of UTF-8, no control characters, no empty, `.` or `..` segment
 */
export function checkPath(path: string): string {
  if (path.length <= pathBytesMax && plainPath.test(path)) return path;
  const fault = faultOfPath(path);
  if (fault !== undefined) throw invalid(`path ${quote(path)} ${fault}`);
  return path;
}

function faultOfPath(path: string): string | undefined {
  if (path.length === 0) return "is empty";
  const bytes = utf8Length(path);
  if (bytes > pathBytesMax) return `is ${bytes} bytes long; the most is ${pathBytesMax}`;
  return faultOfText(path) ?? faultOfSegments(path);
}

function faultOfText(text: string): string | undefined {
  if (notUtf8.test(text)) return "is not valid UTF-8";
  if (control.test(text)) return "has a control character";
  return undefined;
}

function faultOfSegments(path: string): string | undefined {
  for (const segment of path.split("/")) {
    if (segment === "") return "has an empty segment; write it without leading, trailing or doubled slashes";
    if (segment === "." || segment === "..") return `has a segment ${quote(segment)}; write out the whole path`;
  }
  return undefined;
}

/** A file as users name it: `bucket/path`. */
export interface FileName {
  readonly bucket: string;
  readonly path: string;
}

/**
 * Splits `bucket/path` at the first slash and checks both parts.
 *
 * @throws QuorumError `invalid_argument`
 */
export function parseFileName(name: string): FileName {
  const slash = name.indexOf("/");
  if (slash < 0)
    throw invalid(`file name ${quote(name)} has no bucket; write it as BUCKET/PATH, for example files/${name}`);
  return { bucket: checkBucketName(name.slice(0, slash)), path: checkPath(name.slice(slash + 1)) };
}

export function formatFileName(file: FileName): string {
  return `${file.bucket}/${file.path}`;
}

/** A prefix may end anywhere, even in the middle of a segment; empty means every path. */
export function checkPrefix(prefix: string): string {
  const bytes = utf8Length(prefix);
  if (bytes > pathBytesMax) throw invalid(`prefix is ${bytes} bytes long; the most is ${pathBytesMax}`);
  const fault = faultOfText(prefix);
  if (fault !== undefined) throw invalid(`prefix ${quote(prefix)} ${fault}`);
  return prefix;
}

/** @throws QuorumError `invalid_argument`: 3 to 63 of a-z, 0-9 and `-`, with a letter or digit at both ends */
export function checkBucketName(name: string): string {
  if (bucketName.test(name)) return name;
  throw invalid(
    `bucket name ${quote(name)} is not allowed: 3 to 63 lower-case letters, digits and hyphens, ` +
      "with a letter or digit at both ends",
  );
}

/** Byte order of UTF-8, which is the order of code points and not that of JavaScript's `<`. */
export function comparePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const x = a.charCodeAt(index);
    const y = b.charCodeAt(index);
    // Surrogates stand for code points above all others, though their own numbers are lower than U+E000 to U+FFFF.
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
