import { checkManifest, QuorumError, type Value } from "@quorumfs/core";
import { decodeManifest } from "@quorumfs/runtime";
import { hasEtag } from "../content-etag.js";

/**
 * Whether the content of a value, if it is there, is whole: bytes have the SHA-256 that the value names, a manifest has
 * its own checksum and adds up to the value's size.
 */
export function contentIsWhole({ content, etag, size }: Value): boolean {
  switch (content.kind) {
    case "inline":
      return hasEtag(content.bytes, etag);
    case "manifest":
      return isManifestOf(content.bytes, size);
    case "omitted":
    case "none":
      return true;
  }
}

/**
 * Content is checked when it comes in, so that a fault of the network or of the sender's memory is never stored as if
 * it were what the client wrote.
 *
 * @throws QuorumError `invalid_argument`
 */
export function checkContentIsWhole(value: Value): void {
  if (contentIsWhole(value)) return;
  throw new QuorumError({
    code: "invalid_argument",
    message: "the content does not match its checksum; send it again",
  });
}

function isManifestOf(bytes: Uint8Array, size: number): boolean {
  try {
    checkManifest(decodeManifest(bytes), size);
    return true;
  } catch {
    return false;
  }
}
