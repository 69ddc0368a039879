import { QuorumError } from "@quorumfs/core";
import { type Event, EventFilter, Severity } from "@quorumfs/proto";

/** There are not half as many kinds. */
const kindsMax = 100;

/** Tells wanted events from others. @throws QuorumError `invalid_argument` */
export function eventFilter(filter: EventFilter | undefined): (event: Event) => boolean {
  const { kinds, node, severity } = filter ?? EventFilter.fromPartial({});
  if (kinds.length > kindsMax) {
    throw new QuorumError({ code: "invalid_argument", message: `a filter names at most ${kindsMax} kinds` });
  }
  const least = severity === Severity.UNRECOGNIZED ? Severity.SEVERITY_UNSPECIFIED : severity;
  return (event) =>
    (node === 0 || event.node === node) &&
    event.severity >= least &&
    (kinds.length === 0 || kinds.some((kind) => event.kind === kind || event.kind.startsWith(`${kind}.`)));
}
