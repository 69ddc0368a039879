import { Collection, Mutation, Reading, answer, takeoverOf, transferVoters, votersOf } from "@quorumfs/core";

/** The code under test. A mutation test hands in a build of it with one rule taken out. */
export interface Protocol {
  readonly answer: typeof answer;
  readonly Mutation: typeof Mutation;
  readonly Reading: typeof Reading;
  readonly Collection: typeof Collection;
  readonly votersOf: typeof votersOf;
  readonly transferVoters: typeof transferVoters;
  readonly takeoverOf: typeof takeoverOf;
}

export const protocol: Protocol = { answer, Mutation, Reading, Collection, votersOf, transferVoters, takeoverOf };
