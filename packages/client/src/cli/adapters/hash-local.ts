import { createHash } from "node:crypto";
import { LocalReading } from "./read-local.js";

/** The SHA-256 of a local file in hexadecimal, which is what its etag would be. @throws QuorumError */
export async function hashLocal(path: string): Promise<string> {
  const reading = await LocalReading.open(path);
  try {
    const hash = createHash("sha256");
    for await (const bytes of reading.bytes()) hash.update(bytes);
    return hash.digest("hex");
  } finally {
    await reading.close();
  }
}
