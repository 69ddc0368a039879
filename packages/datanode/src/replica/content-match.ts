import { QuorumError, type Value } from "@quorumfs/core";
import { hasEtag } from "../content-etag.js";

/**
 * Content is checked when it comes in, so that a fault of the network or of the sender's memory is never stored as if
 * it were what the client wrote.
 *
 * @throws QuorumError `invalid_argument`
 */
export function checkContentMatchesEtag(value: Value): void {
  if (value.content.kind !== "inline") return;
  if (hasEtag(value.content.bytes, value.etag)) return;
  throw new QuorumError({ code: "invalid_argument", message: "the content does not match its SHA-256; send it again" });
}
