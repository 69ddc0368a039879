import { type ReplicaReply, reasonOf } from "@quorumfs/core";
import type { Span } from "@quorumfs/telemetry/lean";

/** Ends the span of one vote. That a ballot is refused is an answer like any other. */
export function endVote(span: Span, reply: ReplicaReply): void {
  span.set({ "quorumfs.reply": reply.kind });
  if (reply.kind === "refused") span.end({ code: reply.code, message: reply.reason });
  else if (reply.kind === "corrupt") span.end({ code: "corrupt", message: reasonOf(reply) });
  else span.end();
}
