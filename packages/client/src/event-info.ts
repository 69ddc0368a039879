import type { EventKind, EventSeverity } from "@quorumfs/core";
import type { WallDate } from "./adapters/wall-date.js";

/** Something that happened to the cluster and is worth telling people. */
export interface ClusterEvent {
  /** Grows from event to event. */
  readonly id: number;
  /** By the wall clock of who noticed it. */
  readonly at: WallDate;
  /** One of {@link EventKind}; a newer cluster may tell of kinds that this version does not know. */
  readonly kind: EventKind | (string & {});
  readonly severity: EventSeverity;
  /** The DataNode that it is about; undefined: none in particular. */
  readonly node: number | undefined;
  /** A sentence. May carry names of files: show it as text. */
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** Events, newest first. */
export interface EventPage {
  readonly events: readonly ClusterEvent[];
  /** There are older ones: ask again with `before`, the last one's id. */
  readonly more: boolean;
}
