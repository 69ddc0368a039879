/** An upload's id as messages, logs and lookups have it: 32 hexadecimal digits. */
export function uploadName(upload: Uint8Array): string {
  return Buffer.from(upload.buffer, upload.byteOffset, upload.byteLength).toString("hex");
}
