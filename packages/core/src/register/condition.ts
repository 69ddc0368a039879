import type { Value } from "./value.js";

/** What must hold of the current state for a mutation to take effect. */
export type Condition =
  | { readonly kind: "none" }
  /** The file exists; what a delete asks for. */
  | { readonly kind: "exists" }
  | { readonly kind: "absent" }
  /** The file exists and has this version. */
  | { readonly kind: "version"; readonly counter: number }
  /** The file exists and its content has this SHA-256. */
  | { readonly kind: "etag"; readonly etag: Uint8Array };

export function conditionHolds(condition: Condition, current: Value | undefined): boolean {
  const live = current?.kind === "live" ? current : undefined;
  switch (condition.kind) {
    case "none":
      return true;
    case "exists":
      return live !== undefined;
    case "absent":
      return live === undefined;
    case "version":
      return live?.version.counter === condition.counter;
    case "etag":
      return live !== undefined && sameBytes(live.etag, condition.etag);
  }
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index += 1) if (a[index] !== b[index]) return false;
  return true;
}
