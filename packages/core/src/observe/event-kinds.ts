/** What happens to a cluster and is worth telling people: the closed set of kinds, how bad each is, and what it means. */

export type EventSeverity = "info" | "warning" | "error";

interface EventMeaning {
  readonly severity: EventSeverity;
  /** A sentence for docs and help. */
  readonly meaning: string;
}

export const eventKinds = {
  "cluster.formed": { severity: "info", meaning: "Enough DataNodes have joined: files are served from now on." },
  "supernode.started": { severity: "info", meaning: "The SuperNode serves; its message says for how long nobody did." },
  "supernode.reseeded": {
    severity: "warning",
    meaning: "The SuperNode's store was made anew from what DataNodes remember.",
  },
  "node.joined": { severity: "info", meaning: "A DataNode has entered the cluster for the first time." },
  "node.suspected": { severity: "warning", meaning: "A DataNode has missed heartbeats." },
  "node.down": { severity: "error", meaning: "A DataNode is not heard any more." },
  "node.back": {
    severity: "info",
    meaning: "A DataNode that was suspect or down is heard again, or has started anew.",
  },
  "node.left": { severity: "info", meaning: "A DataNode has given all it held to others, and is no member any more." },
  "node.refused": { severity: "error", meaning: "A DataNode came with a store that the cluster does not take." },
  "node.full": { severity: "warning", meaning: "A DataNode has too little space left to take new content." },
  "node.has-room": { severity: "info", meaning: "A DataNode that was full takes new content again." },
  "node.disk-failed": { severity: "error", meaning: "A DataNode could not write to its disk, and ends." },
  "node.set-aside": {
    severity: "warning",
    meaning: "A DataNode has set its old records aside, and joins as a new one.",
  },
  "layout.started": { severity: "info", meaning: "Partitions begin to move." },
  "layout.stopped": { severity: "info", meaning: "A change of the layout was stopped before its end." },
  "layout.completed": { severity: "info", meaning: "All partitions are where they are to be." },
  "layout.obstructed": {
    severity: "warning",
    meaning: "A change of the layout gets no further; its message says why.",
  },
  "layout.replacing": {
    severity: "warning",
    meaning: "A DataNode was down for so long that others take over what it held.",
  },
  "bucket.created": { severity: "info", meaning: "A bucket was made." },
  "bucket.deleted": { severity: "info", meaning: "A bucket is gone." },
  "repair.started": { severity: "info", meaning: "A DataNode lacks what others have, and fetches it." },
  "repair.completed": { severity: "info", meaning: "A DataNode holds again all that it should." },
  "damage.found": { severity: "error", meaning: "A record or a chunk on a DataNode does not match its checksum." },
  "damage.repaired": { severity: "info", meaning: "Damaged records or chunks were replaced from other replicas." },
  "scrub.started": { severity: "info", meaning: "A DataNode reads and checks everything that it stores." },
  "scrub.completed": { severity: "info", meaning: "A DataNode has read and checked everything that it stores." },
  "overload.refusing": { severity: "warning", meaning: "A DataNode turns operations away: more come than it can do." },
  "overload.over": { severity: "info", meaning: "A DataNode takes all operations again." },
} as const satisfies Readonly<Record<string, EventMeaning>>;

export type EventKind = keyof typeof eventKinds;

export function isEventKind(text: string): text is EventKind {
  return Object.hasOwn(eventKinds, text);
}
