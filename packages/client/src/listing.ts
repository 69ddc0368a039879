import { comparePaths } from "@quorumfs/core";
import type { ListResponse } from "@quorumfs/proto";
import type { ListEntry } from "./file-info.js";
import { toFileInfo } from "./wire.js";

/** The entries of a page, files and common prefixes merged into byte order. */
export function* entriesOf(bucket: string, page: ListResponse): Generator<ListEntry, void, undefined> {
  let next = 0;
  for (const file of page.files) {
    for (; next < page.commonPrefixes.length; next += 1) {
      const prefix = page.commonPrefixes[next] ?? "";
      if (comparePaths(prefix, file.path) > 0) break;
      yield prefixEntry(bucket, prefix);
    }
    yield { kind: "file", ...toFileInfo(bucket, file) };
  }
  for (const prefix of page.commonPrefixes.slice(next)) yield prefixEntry(bucket, prefix);
}

function prefixEntry(bucket: string, path: string): ListEntry {
  return { kind: "prefix", name: `${bucket}/${path}`, bucket, path };
}

/**
 * Pages one after another. From the second on, the next is under way while the present one is consumed: whoever asked for
 * a second page mostly wants them all, and whoever stops costs one page in vain.
 */
export async function* pagesAhead(
  fetch: (after: string) => Promise<ListResponse>,
  start: string,
): AsyncGenerator<ListResponse, void, undefined> {
  let page = await fetch(start);
  for (let count = 1; ; count += 1) {
    const after = page.nextAfter;
    let ahead = count > 1 && after !== "" ? fetch(after) : undefined;
    // Its failure is told when its turn comes, or never if the loop was left.
    ahead?.catch(() => undefined);
    yield page;
    if (after === "") return;
    ahead ??= fetch(after);
    page = await ahead;
  }
}
