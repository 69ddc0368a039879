/**
 * The number under which a coordinator proposes: `(counter, node, incarnation)`, compared in that order. Node and
 * incarnation make it unique, so that two coordinators, or one before and after a restart, never share a ballot.
 */
export interface Ballot {
  /** Below 2^53. */
  readonly counter: number;
  /** The proposing DataNode. */
  readonly node: number;
  /** How often that DataNode has started. */
  readonly incarnation: number;
}

/** Below every ballot that anyone may use; the accepted ballot of a file that was never written. */
export const zeroBallot: Ballot = Object.freeze({ counter: 0, node: 0, incarnation: 0 });

/** No single message may raise a counter by more than this, so that none can use a file's numbers up. */
export const counterJumpMax = 2 ** 32;

export function compareBallots(a: Ballot, b: Ballot): number {
  return a.counter - b.counter || a.node - b.node || a.incarnation - b.incarnation;
}

export function sameBallot(a: Ballot, b: Ballot): boolean {
  return a.counter === b.counter && a.node === b.node && a.incarnation === b.incarnation;
}

export function maxBallot(a: Ballot, b: Ballot): Ballot {
  return compareBallots(a, b) >= 0 ? a : b;
}

export function isZeroBallot(ballot: Ballot): boolean {
  return ballot.counter === 0;
}

export function formatBallot(ballot: Ballot): string {
  return `${ballot.counter}.${ballot.node}.${ballot.incarnation}`;
}
