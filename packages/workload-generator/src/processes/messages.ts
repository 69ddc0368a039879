import type { Operation } from "../history/operation.js";
import type { LiveSnapshot } from "../measure/live-counts.js";
import type { EncodedMeasurements } from "../measure/measurements.js";
import type { SessionProgress } from "../run/session.js";
import type { Share } from "../run/share.js";

/** What a run tells its worker processes. */
export type ToWorker =
  { readonly kind: "prepare"; readonly share: Share } | { readonly kind: "run" } | { readonly kind: "stop" };

/** What a worker process tells its run. */
export type FromWorker =
  | { readonly kind: "prepared" }
  | { readonly kind: "progress"; readonly progress: SessionProgress; readonly live: LiveSnapshot }
  /** A part of the history; all parts come before `done`. */
  | { readonly kind: "history"; readonly operations: readonly Operation[] }
  | { readonly kind: "done"; readonly measurements: EncodedMeasurements }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };
