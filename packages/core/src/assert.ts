/** A fact about our own code did not hold: a bug here, never the caller's input. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** States a fact about our own code; bad input gets a QuorumError instead. */
export function assert(fact: boolean, message: string): asserts fact {
  if (!fact) throw new AssertionError(message);
}

/** For the `default` of a switch over a closed set: the compiler proves that it is never reached. */
export function unreachable(value: never): never {
  throw new AssertionError(`unexpected case: ${JSON.stringify(value)}`);
}
