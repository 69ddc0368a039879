import { hash } from "node:crypto";

/** SHA-256, 32 bytes. */
export function etagOf(content: Uint8Array): Uint8Array {
  return hash("sha256", content, "buffer");
}

/**
 * Whether this is the content that the etag was made from. The digest is compared as text of one character per byte: every
 * read and every vote comes by here, and a buffer costs as much as the hash.
 */
export function hasEtag(content: Uint8Array, etag: Uint8Array): boolean {
  const digest = hash("sha256", content, "binary");
  if (digest.length !== etag.length) return false;
  for (let index = 0; index < etag.length; index += 1) if (digest.charCodeAt(index) !== etag[index]) return false;
  return true;
}
