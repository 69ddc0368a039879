/**
 * How a replica whose record of a file is damaged gets back to voting (PROTOCOL.md, "Damaged records").
 *
 * It has forgotten what it promised and what it voted for. To answer "no record" would break promises and lose values
 * that it helped to choose, so it abstains: to everybody else it looks like a replica whose messages are lost. What it
 * may still take is an ACCEPT at a ballot above everything that it ever promised or voted for. For what a replica holds
 * after such an ACCEPT(b, v, next) does not depend on what it held before: promised max(b, next), accepted b, value v.
 * So one that has forgotten and one that has not are the same from then on, and whatever holds of a protocol in which
 * messages get lost holds of this one. No quorum has to be counted anew, and nothing has to be known of others.
 *
 * "Above everything" has to be known for certain. So a DataNode keeps one number for all its files, the *ceiling*: no ballot
 * that it has promised, voted for or kept as a floor has a counter above it. It is written together with the promise
 * that needs it, in the same commit; in strides, so that hardly any promise does. It lies apart from the records, and
 * what damages a record does not damage it; if it is lost too, the replica goes on abstaining.
 *
 * A repair, then, is an identity round that starts above the ceiling. Its promises come from the others: as many as any
 * round needs, which is why there is no repair where R = N, and the lost vote may have been the only one. Where they hold
 * nothing, a tombstone is made: to return to "no record" would be to forget once more, and need an argument of its own.
 * W = N is no obstacle, for the vote that repairs is a vote like any other.
 *
 * Other losses need less. Content has a checksum of its own; without it the replica votes on, and an identity round brings
 * it a copy. A promise that is lost while the record is whole is taken for the highest that the ceiling allows, and a lost
 * floor for the ceiling itself: both only refuse more than they must.
 *
 * Refused: two identity rounds with a margin in between, so large that no forgotten promise can reach across. It needs no
 * ceiling, but it counts on what "cannot have happened", and each repair would use up the margin.
 */
import type { Ballot } from "./ballot.js";

/**
 * A ceiling is a multiple of this. Each repair moves the counter of its file above the ceiling, where users see it with the
 * next version, and so the ceiling itself a stride further: small enough that millions of repairs fit into one jump of a
 * counter, and large enough that the file which is written most makes hardly more rows for it.
 */
export const ceilingStride = 64;

/** The ceiling for a replica that promises `counter`. */
export function ceilingFor(counter: number): number {
  return Math.ceil(counter / ceilingStride) * ceilingStride;
}

/** The highest promise under a ceiling: what a promise that cannot be read is taken for. Nobody ever proposes under it. */
export function highestUnder(ceiling: number): Ballot {
  return { counter: ceiling, node: 0xffff_ffff, incarnation: 0xffff_ffff };
}
