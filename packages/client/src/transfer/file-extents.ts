import { checkManifest, type Extent, extentBytes, type Manifest, QuorumError } from "@quorumfs/core";
import { decodeManifest } from "@quorumfs/runtime/lean";
import { Download } from "./download.js";
import type { Lifetime } from "./lifetime.js";
import type { ChunkOwner, TransferContext } from "./transfer-context.js";

// The extents of 5 TiB in chunks of 4 MiB take 5.3 MiB; DataNodes accept no more than this either.
const pagesBytesMax = 16 * 1024 * 1024;

/**
 * The extents of a file: those of its manifest or, of a very large one, those that its pages hold.
 *
 * @throws QuorumError `corrupt`, `unavailable`, or why the lifetime has ended
 */
export async function extentsOf(
  context: TransferContext,
  file: { readonly name: string; readonly owner: ChunkOwner; readonly size: number; readonly manifest: Manifest },
  call: { readonly timeoutMs: number; readonly lifetime: Lifetime },
): Promise<readonly Extent[]> {
  const { name, owner, size, manifest } = file;
  if (!manifest.pages) return manifest.extents;
  const extents = [manifest.pages];
  const length = extentBytes(manifest.pages);
  if (length > pagesBytesMax)
    throw corrupt(`the manifest of ${name} has ${length} bytes, and may have ${pagesBytesMax}`);
  const pages = Buffer.allocUnsafe(length);
  await call.lifetime.lend(async (lifetime) => {
    const range = { offset: 0, length };
    const { timeoutMs } = call;
    const download = new Download(context, { name, owner, extents, range, timeoutMs, lifetime });
    let filled = 0;
    for (let piece = await download.next(); piece; piece = await download.next()) {
      pages.set(piece, filled);
      filled += piece.length;
    }
  });
  const inner = decodeManifest(pages);
  if (inner.pages) throw corrupt(`the pages of the manifest of ${name} have pages`);
  checkManifest(inner, size);
  return inner.extents;
}

function corrupt(message: string): QuorumError {
  return new QuorumError({ code: "corrupt", message });
}
