import { type CallContext, QuorumError, type Route, type ServedDuplex } from "@quorumfs/core";

/**
 * Keeps callers out while it is not certain that this node may vote: between its start and the cluster's first word. A node
 * that has forgotten votes must not give any.
 */
export class Entrance {
  #isOpen = false;

  /** From now on calls come in. */
  open(): void {
    this.#isOpen = true;
  }

  guard(routes: readonly Route[]): readonly Route[] {
    return routes.map((route): Route => {
      switch (route.kind) {
        case "unary":
          return {
            ...route,
            handle: async (request: unknown, call: CallContext) => this.#let(() => route.handle(request, call)),
          };
        case "serverStream":
          return {
            ...route,
            handle: (request: unknown, call: CallContext) => this.#let(() => route.handle(request, call)),
          };
        case "duplex":
          return {
            ...route,
            handle: (stream: ServedDuplex<unknown, unknown>, call: CallContext) => {
              if (this.#isOpen) route.handle(stream, call);
              else stream.fail(notYet());
            },
          };
      }
    });
  }

  #let<Result>(handle: () => Result): Result {
    if (this.#isOpen) return handle();
    throw notYet();
  }
}

function notYet(): QuorumError {
  return new QuorumError({ code: "unavailable", message: "this DataNode has not joined its cluster yet" });
}
