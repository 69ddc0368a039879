import type { Explanation, FileEntry, FilePage, FileStat } from "../api.js";
import { explanationView } from "../views/explanation-view.js";
import { fileView, voteView } from "../views/file-view.js";
import type { Routes } from "./route.js";

const entriesDefault = 200;
const entriesMax = 1000;

/** Files without their contents. */
export const fileRoutes: Routes = {
  "GET /api/files": async ({ client, query, signal }): Promise<FilePage> => {
    const bucket = query.required("bucket");
    const prefix = query.text("prefix") ?? "";
    const limit = query.whole("limit", entriesMax) ?? entriesDefault;
    const listing = (await client()).list(bucket, {
      prefix,
      delimiter: query.text("delimiter") ?? "/",
      after: query.text("after") ?? "",
      // One more says whether there is another page.
      pageSize: limit + 1,
      signal,
    });
    const entries: FileEntry[] = [];
    for await (const entry of listing) {
      if (entries.length === limit) return { bucket, prefix, entries, nextAfter: entries.at(-1)?.path ?? null };
      entries.push(
        entry.kind === "file" ? { kind: "file", ...fileView(entry) } : { kind: "directory", path: entry.path },
      );
    }
    return { bucket, prefix, entries, nextAfter: null };
  },
  "GET /api/files/stat": async ({ client, query, signal }): Promise<FileStat> => {
    const bucket = query.required("bucket");
    const found = await (await client()).stat(`${bucket}/${query.required("path")}`, { signal });
    return {
      bucket,
      file: fileView(found.file),
      attributes: found.file.attributes,
      vote: voteView(found),
    };
  },
  "GET /api/files/explain": async ({ client, query, signal }): Promise<Explanation> => {
    const name = `${query.required("bucket")}/${query.required("path")}`;
    return explanationView(await (await client()).explain(name, { signal }));
  },
};
