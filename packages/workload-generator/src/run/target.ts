import type { QuorumFs } from "@quorumfs/client";

/** What of the SDK a run uses. */
export type Target = Pick<QuorumFs, "put" | "get" | "stat" | "delete" | "list" | "state" | "nodes">;
