/** Which view the address names: `#/files/photos/2026/` is the view `files` at `photos/2026/`. */
import { signal } from "./ui/reactive.js";

export const viewNames = ["overview", "layout", "files", "buckets", "workload", "events"] as const;
export type ViewName = (typeof viewNames)[number];

export interface Route {
  readonly view: ViewName;
  /** What follows the view's name, decoded, one by one. */
  readonly segments: readonly string[];
}

export const route = signal<Route>(parseRoute(location.hash));

/** Follows the address. */
export function startRouter(): void {
  addEventListener("hashchange", () => route.set(parseRoute(location.hash)));
}

export function parseRoute(hash: string): Route {
  const [name = "", ...segments] = hash.replace(/^#?\/?/, "").split("/");
  const view = viewNames.find((known) => known === name) ?? "overview";
  return { view, segments: segments.map(decode) };
}

export function linkTo(view: ViewName, ...segments: readonly string[]): string {
  return `#/${[view, ...segments.map(encodeURIComponent)].join("/")}`;
}

// Somebody may have typed it.
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
