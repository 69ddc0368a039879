import { parseFileName, QuorumError } from "@quorumfs/core";
import type { Lifetime } from "./lifetime.js";
import type { ChunkOwner, TransferContext } from "./transfer-context.js";

// A bucket that was made a moment ago is known to the SuperNode's caller before it is known here.
const newsMs = 2_000;
const lookEveryMs = 20;

/** The file as its chunks know it: by its bucket's id. @throws QuorumError `not_found` if the bucket does not exist */
export async function ownerOf(context: TransferContext, name: string, lifetime: Lifetime): Promise<ChunkOwner> {
  const { clock, view } = context;
  const { bucket, path } = parseFileName(name);
  for (const startedAtMs = clock.nowMs(); ;) {
    const id = view().bucketId(bucket);
    if (id !== undefined) return { bucket: id, path };
    if (clock.nowMs() - startedAtMs >= newsMs) break;
    await lifetime.race(new Promise<void>((resolve) => clock.after(lookEveryMs, resolve)));
  }
  throw new QuorumError({ code: "not_found", message: `bucket ${bucket} does not exist` });
}
