import { type EventKind, eventKinds } from "@quorumfs/core";
import { table } from "./markdown.js";

/** What people do about each kind of event, beside its meaning, which the code tells. */
const advice: Readonly<Record<EventKind, string>> = {
  "cluster.formed": "",
  "supernode.started": "After an unplanned start: look at its log for why it ended.",
  "supernode.reseeded": "Check `quorumfs node list` and `quorumfs bucket list` against what you expect.",
  "node.joined": "`quorumfs layout apply` gives it its share, once the cluster has formed.",
  "node.suspected": "Nothing, unless it happens often: then see [NodeDown](#quorumfsnodedown).",
  "node.down": "[NodeDown](#quorumfsnodedown)",
  "node.back": "",
  "node.left": "Its service has ended; disable it, and its data directory can go.",
  "node.refused": "[A node that is refused](#a-node-that-is-refused)",
  "node.full": "[NodeFull](#quorumfsnodefull)",
  "node.has-room": "",
  "node.disk-failed": "[A disk that died](#replace-a-disk-or-a-machine)",
  "node.set-aside": "When the new node is in sync, the directory that its log names can go.",
  "layout.started": "",
  "layout.stopped": "`quorumfs layout apply` goes on with the rest.",
  "layout.completed": "",
  "layout.obstructed": "[LayoutStuck](#quorumfslayoutstuck)",
  "layout.replacing": "Repair the machine, or leave it: others have its files soon.",
  "bucket.created": "",
  "bucket.deleted": "",
  "repair.started": "",
  "repair.completed": "",
  "damage.found": "[DamageFound](#quorumfsdamagefound)",
  "damage.repaired": "",
  "scrub.started": "",
  "scrub.completed": "",
  "overload.refusing": "[OperationsRefused](#quorumfsoperationsrefused)",
  "overload.over": "",
};

export function eventsTable(): string {
  const kinds = Object.keys(eventKinds).filter((kind): kind is EventKind => Object.hasOwn(advice, kind));
  return table(
    ["event", "severity", "meaning", "what to do"],
    kinds.map((kind) => [`\`${kind}\``, eventKinds[kind].severity, eventKinds[kind].meaning, advice[kind]]),
  );
}
