import { hash } from "node:crypto";
import { QuorumError, sameBytes, type Value } from "@quorumfs/core";

/**
 * Content is checked when it comes in, so that a fault of the network or of the sender's memory is never stored as if
 * it were what the client wrote.
 *
 * @throws QuorumError `invalid_argument`
 */
export function checkContentMatchesEtag(value: Value): void {
  if (value.content.kind !== "inline") return;
  if (sameBytes(hash("sha256", value.content.bytes, "buffer"), value.etag)) return;
  throw new QuorumError({ code: "invalid_argument", message: "the content does not match its SHA-256; send it again" });
}
