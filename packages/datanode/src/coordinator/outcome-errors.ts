import {
  type Condition,
  type Electorate,
  type ErrorDetails,
  type MutationOutcome,
  type NodeFailure,
  type NodeId,
  QuorumError,
  quorumShortfall,
  type ReadingOutcome,
} from "@quorumfs/core";

// Contenders have mostly finished after so long.
const contendedRetryAfterMs = 20;
// Space comes back within seconds at best, and is looked for about so often.
const noRoomRetryAfterMs = 1000;

type Failed =
  | Exclude<ReadingOutcome, { kind: "found" }>
  | Exclude<MutationOutcome, { kind: "applied" } | { kind: "condition_failed" }>;

/** What a client is told when an operation came to no good end. */
export function errorOfOutcome(outcome: Failed, file: string): QuorumError {
  switch (outcome.kind) {
    case "not_found":
      return fileNotFound(file);
    case "quorum_unavailable":
      return quorumUnavailable(outcome);
    case "contended":
      return failure("unavailable", `others kept changing ${file} at the same time; try again`, {
        retryAfterMs: contendedRetryAfterMs,
      });
    case "stale_layout":
      return failure(
        outcome.mayHaveRun ? "unknown_outcome" : "unavailable",
        `the replicas follow layout ${outcome.layout}, which this DataNode has not learned yet; try again`,
      );
    case "unproven":
      return failure(
        "unavailable",
        `too much has happened to ${file} to tell whether another attempt has run; repeat with seen version ${outcome.version}`,
        { currentVersion: outcome.version },
      );
    case "unknown":
      return failure(
        "unknown_outcome",
        `the change to ${file} may or may not have taken effect: ${outcome.reason}; ` +
          "repeat it with the same request id to learn more",
      );
  }
}

function quorumUnavailable(outcome: {
  readonly needed: number;
  readonly got: number;
  readonly nodes: readonly NodeFailure[];
}): QuorumError {
  const { needed, got, nodes } = outcome;
  const why = nodes.map(({ node, reason }) => `node ${node}: ${reason}`).join("; ");
  // At its deadline an operation may have a quorum of answers, and wait for what has to follow from them.
  const what =
    got < needed
      ? `needed ${needed} ${needed === 1 ? "answer" : "answers"}, got ${got}`
      : `${got} of the ${needed} answers needed came, and what they say could not be settled in time`;
  return failure("quorum_unavailable", `${what}${why === "" ? "" : ` (${why})`}`, { needed, got, nodes });
}

/** What a mutation whose condition was not met is told. */
export function conditionError(options: {
  readonly intent: "put" | "delete";
  readonly condition: Condition;
  readonly file: string;
  /**
   * Version that was found; 0 if the file did not exist. Undefined: an earlier attempt found it, and what is there now says
   * nothing about that any more.
   */
  readonly currentVersion: number | undefined;
}): QuorumError {
  const { intent, condition, file, currentVersion } = options;
  if (intent === "delete" && (currentVersion === 0 || condition.kind === "exists")) return fileNotFound(file);
  if (currentVersion === undefined) {
    return failure(
      "precondition_failed",
      `${file} was to ${wanted(condition)}, and was not when it was first looked at`,
    );
  }
  const found = currentVersion === 0 ? "it does not exist" : `it has version ${currentVersion}`;
  return failure("precondition_failed", `${file} was to ${wanted(condition)}, but ${found}`, { currentVersion });
}

function wanted(condition: Condition): string {
  switch (condition.kind) {
    case "none":
      return "be anything";
    case "exists":
      return "exist";
    case "absent":
      return "be absent";
    case "version":
      return `have version ${condition.counter}`;
    case "etag":
      return "have another content";
  }
}

/** What a put is told when too few replicas of its file have room. */
export function noRoomError(voters: Electorate, isFull: (node: NodeId) => boolean): QuorumError {
  const nodes = voters.members.filter(isFull).map((node) => ({ node, reason: "its disk is nearly full" }));
  const { needed, got } = quorumShortfall(voters, "write", (node) => !isFull(node));
  return failure(
    "resource_exhausted",
    `needed ${needed} replicas with room, and there are ${got}: the disks of DataNodes ${nodes.map(({ node }) => node).join(", ")} ` +
      "are nearly full; delete files or give them more space",
    { needed, got, nodes, retryAfterMs: noRoomRetryAfterMs },
  );
}

function fileNotFound(file: string): QuorumError {
  return failure("not_found", `${file} does not exist`);
}

function failure(code: QuorumError["code"], message: string, details: ErrorDetails = {}): QuorumError {
  return new QuorumError({ code, message, details });
}
