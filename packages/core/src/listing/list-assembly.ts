/**
 * Turns files in byte order into one page of a listing: at most so many items, and with a delimiter, everything that
 * shares what stands between the prefix and the next delimiter rolled up into one common prefix.
 *
 * A common prefix may stand for a million files. So it also says where to go on reading: behind all of them at once.
 */
import { pathBytesMax } from "../file/path.js";
import { utf8Length } from "../file/utf8.js";
import type { Value } from "../register/value.js";

export interface ListQuery {
  /** Only paths that start with it; empty for all. */
  readonly prefix: string;
  /** Rolls up paths; empty for none. */
  readonly delimiter: string;
  /** Only what stands behind this path or common prefix; empty for all. */
  readonly after: string;
  /** Files and common prefixes at most, 1 or more. */
  readonly limit: number;
}

export interface ListedFile {
  readonly path: string;
  readonly value: Value;
}

// Half of what a message may have, so that an estimate will do.
const pageBytesMax = 2 * 1024 * 1024;
// What an item takes besides its path and attributes.
const itemBytes = 100;

export class ListAssembly {
  readonly files: ListedFile[] = [];
  readonly commonPrefixes: string[] = [];
  readonly #query: ListQuery;
  /** The common prefix that was rolled up last; what lies under it is skipped. */
  #under: string | undefined;
  /** The last file or common prefix on the page. */
  #last: string;
  #cursor: string;
  #bytes = 0;
  #nextAfter: string | undefined;

  constructor(query: ListQuery) {
    this.#query = query;
    this.#last = query.after;
    this.#cursor = query.after;
    if (commonPrefixOf(query.after, query) === query.after) {
      this.#under = query.after;
      this.#cursor = behindPrefix(query.after);
    }
  }

  /** Where the next range starts: only paths behind it matter. */
  get cursor(): string {
    return this.#cursor;
  }

  /** How many more items fit on the page. */
  get room(): number {
    return this.#query.limit - this.files.length - this.commonPrefixes.length;
  }

  /** Whether the page is finished: full, or everything has been seen. */
  get done(): boolean {
    return this.#nextAfter !== undefined;
  }

  /** What to pass as `after` for the next page; empty when there is none. */
  get nextAfter(): string {
    return this.#nextAfter ?? this.#last;
  }

  /** Whether a file at this path would change nothing, since its common prefix is listed already. */
  covers(path: string): boolean {
    return this.#under !== undefined && path.startsWith(this.#under);
  }

  /** Takes the next file. Files come in byte order; those behind a full page are ignored. */
  add(file: ListedFile): void {
    if (this.done || this.covers(file.path)) return;
    if (this.room === 0 || this.#bytes >= pageBytesMax) {
      this.#nextAfter = this.#last;
      return;
    }
    this.#under = commonPrefixOf(file.path, this.#query);
    if (this.#under === undefined) this.files.push(file);
    else this.commonPrefixes.push(this.#under);
    this.#last = this.#under ?? file.path;
    this.#bytes += itemBytes + bytesOf(this.#last, file.value.attributes);
  }

  /** Every file up to and including `upTo` has been added; undefined: every file there is. */
  reached(upTo: string | undefined): void {
    if (this.done) return;
    if (upTo === undefined) this.#nextAfter = "";
    else this.#cursor = this.#under !== undefined && this.covers(upTo) ? behindPrefix(this.#under) : upTo;
  }

  /**
   * Ends the page before it is full, because looking further would take too long. False if that is not possible here:
   * the place to resume at would read as a common prefix, and what lies under it would be skipped.
   */
  stopHere(upTo: string): boolean {
    if (this.done) return true;
    if (this.covers(upTo)) this.#nextAfter = this.#last;
    else if (commonPrefixOf(upTo, this.#query) !== upTo) this.#nextAfter = upTo;
    return this.done;
  }
}

/** At least as many as it takes in a message. */
function bytesOf(path: string, attributes: ReadonlyMap<string, string>): number {
  let units = path.length;
  for (const [name, text] of attributes) units += name.length + text.length;
  return units * utf8BytesPerUnitMax;
}

const utf8BytesPerUnitMax = 3;

/** The common prefix that a path rolls up into, if it does. */
export function commonPrefixOf(
  path: string,
  query: { readonly prefix: string; readonly delimiter: string },
): string | undefined {
  const { prefix, delimiter } = query;
  if (delimiter === "" || !path.startsWith(prefix)) return undefined;
  const at = path.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : path.slice(0, at + delimiter.length);
}

/** A text behind every path that starts with `prefix`, and before every other path that is greater. */
export function behindPrefix(prefix: string): string {
  const bytesLeft = Math.max(0, pathBytesMax - utf8Length(prefix));
  // The highest code point takes four bytes. One too many does no harm: it is a place in the order, never a path.
  return prefix + "\u{10ffff}".repeat(Math.ceil(bytesLeft / 4));
}
