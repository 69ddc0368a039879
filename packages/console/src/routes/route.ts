import type { IncomingMessage, ServerResponse } from "node:http";
import type { QuorumFs } from "@quorumfs/client";
import type { Clock } from "@quorumfs/core";
import type { Query } from "../server/query.js";

/** One request of the API, and what its answer is made with. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: Query;
  readonly clock: Clock;
  /** Aborted when the asker has gone. */
  readonly signal: AbortSignal;
  /** @throws QuorumError `unavailable` */
  readonly client: () => Promise<QuorumFs>;
}

/**
 * Answers a request of the API.
 *
 * @returns what goes back as JSON, with the status that the response has by then; undefined: the answer is given already, or
 *   has no content
 */
export type Route = (exchange: Exchange) => Promise<unknown>;

/** By method and path: `GET /api/about`. */
export type Routes = Readonly<Record<string, Route>>;
