/** The page's icons: strokes in a box of 20, in the colour of the text beside them. */
import { svg } from "./h.js";

const strokes = {
  overview: "M3 16V9m4.7 7V4m4.6 12v-5m4.7 5V7",
  layout: "M3 3h6v6H3zM11 3h6v6h-6zM3 11h6v6H3zM11 11h6v6h-6z",
  files: "M3 16V4h5l2 2.5h7V16z",
  buckets: "M3.5 5.5c0-3 13-3 13 0s-13 3-13 0l1.5 10c.2 2 9.8 2 10 0l1.5-10",
  workload: "M10 16.5a6.5 6.5 0 1 1 6.3-5M10 10l4.5-4",
  events: "M4 5h.01M4 10h.01M4 15h.01M8 5h8M8 10h8M8 15h8",
  sun: "M10 6.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7M10 1.5v2M10 16.5v2M1.5 10h2M16.5 10h2M4 4l1.4 1.4M14.6 14.6L16 16M4 16l1.4-1.4M14.6 5.4L16 4",
  moon: "M16.5 12A7 7 0 0 1 8 3.5 7 7 0 1 0 16.5 12z",
  auto: "M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14v14",
  folder: "M3 15.5v-11h5l1.7 2h7.3v9z",
  file: "M5 2.5h6.5L15 6v11.5H5zM11.5 2.5V6H15",
  upload: "M10 13V4M6 7.5L10 3.5l4 4M4 16.5h12",
  download: "M10 4v9M6 9.5l4 4 4-4M4 16.5h12",
  trash: "M4 5.5h12M8 5.5V3.5h4v2M5.5 5.5l.8 11h7.4l.8-11M8.5 8.5v5M11.5 8.5v5",
  close: "M5 5l10 10M15 5L5 15",
  plus: "M10 4v12M4 10h12",
  chevron: "M8 5l5 5-5 5",
  vote: "M4 10.5l4 4 8-9",
  stop: "M5.5 5.5h9v9h-9z",
  play: "M6 4l10 6-10 6z",
  back: "M12 5l-5 5 5 5",
} as const;

export type IconName = keyof typeof strokes;

/** Not read aloud: the text beside it, or the button's label, says what it means. */
export function icon(name: IconName): SVGSVGElement {
  return svg(
    "svg",
    { class: "icon", viewBox: "0 0 20 20", width: 20, height: 20, "aria-hidden": "true", focusable: "false" },
    svg("path", { d: strokes[name] }),
  );
}
