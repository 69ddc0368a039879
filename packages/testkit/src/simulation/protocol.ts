import { Collection, Mutation, Reading, answer } from "@quorumfs/core";

/** The code under test. A mutation test hands in a build of it with one rule taken out. */
export interface Protocol {
  readonly answer: typeof answer;
  readonly Mutation: typeof Mutation;
  readonly Reading: typeof Reading;
  readonly Collection: typeof Collection;
}

export const protocol: Protocol = { answer, Mutation, Reading, Collection };
