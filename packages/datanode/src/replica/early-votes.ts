import { type Content, QuorumError, type ReplicaRequest } from "@quorumfs/core";
import type { ReplicaContext } from "./replica-context.js";

// A layout takes milliseconds from node to node, in which a node gets some thousand votes at most; who is refused is
// counted out by its coordinator, and may be asked again.
const waitingMax = 4096;

/** Contents of the votes that wait: as much as one peer may have under way. */
const bytesMax = 32 * 1024 * 1024;

/**
 * Votes of coordinators that follow a newer layout than this node does. They wait until it follows that layout as well, for an
 * old one may have it believe that it holds what it has lost and gained since. For the protocol they are messages that came late:
 * each is decided anew when its time has come, on what the file is by then.
 */
export class EarlyVotes {
  readonly #context: ReplicaContext;
  #waiting = 0;
  #bytes = 0;

  constructor(context: ReplicaContext) {
    this.#context = context;
  }

  /** Votes that wait. */
  get size(): number {
    return this.#waiting;
  }

  /** Calls `decide` once the partition's layout is at least this one, or else `refuse`. */
  hold(vote: {
    readonly partition: number;
    readonly layout: number;
    readonly request: ReplicaRequest;
    readonly decide: () => void;
    readonly refuse: (error: QuorumError) => void;
  }): void {
    const { partition, layout, request, decide, refuse } = vote;
    const bytes = request.kind === "accept" ? bytesOf(request.value.content) : 0;
    if (this.#waiting >= waitingMax || this.#bytes + bytes > bytesMax) {
      refuse(overloaded(layout));
      return;
    }
    this.#waiting += 1;
    this.#bytes += bytes;
    const isFollowed = () => (this.#context.layout()?.partitions[partition]?.layout ?? 0) >= layout;
    void this.#context.newerLayout(isFollowed).then((isThere) => {
      this.#waiting -= 1;
      this.#bytes -= bytes;
      if (isThere) decide();
      else refuse(notHeardOf(layout));
    });
  }
}

function bytesOf(content: Content): number {
  return content.kind === "inline" || content.kind === "manifest" ? content.bytes.byteLength : 0;
}

function overloaded(layout: number): QuorumError {
  const message = `too many votes wait for this node to follow layout ${layout}`;
  return new QuorumError({ code: "unavailable", message });
}

function notHeardOf(layout: number): QuorumError {
  return new QuorumError({ code: "unavailable", message: `this node has not heard of layout ${layout} yet` });
}
