/** Files: the buckets, a folder, or one file, by the address: `#/files`, `#/files/BUCKET/FOLDER/`, `#/files/BUCKET/PATH`. */
import { route } from "../router.js";
import { slot } from "../ui/dynamic.js";
import { h } from "../ui/h.js";
import { bucketChoice } from "./files/bucket-choice.js";
import { filePage } from "./files/file-page.js";
import { folderPage } from "./files/folder.js";

export function filesView(): HTMLElement {
  return h(
    "div",
    { class: "view" },
    slot(() => {
      const { view, segments } = route.get();
      if (view !== "files") return undefined;
      const [bucket, ...path] = segments;
      if (bucket === undefined || bucket === "") return bucketChoice();
      return path.length === 0 || path.at(-1) === ""
        ? folderPage({ bucket, prefix: path.join("/") })
        : filePage({ bucket, path: path.join("/") });
    }),
  );
}
