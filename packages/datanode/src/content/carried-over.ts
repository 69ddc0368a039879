import { type Extent, sameBytes } from "@quorumfs/core";
import { uploadName } from "./upload-name.js";

/**
 * What a new version takes over from the one it builds on has to be there as it is named: the same chunks with the same
 * sizes and checksums. An extent may be taken over in part, as an append does that fills up a short last chunk.
 *
 * @param options.own the upload of the new version
 * @param options.current the extents of the version it builds on
 * @returns an extent that is neither of `own` nor in `current`, if there is one
 */
export function strangerAmong(
  extents: readonly Extent[],
  options: { readonly own: Uint8Array; readonly current: readonly Extent[] },
): Extent | undefined {
  const { own, current } = options;
  const byUpload = new Map<string, Extent[]>();
  for (const extent of current) {
    const name = uploadName(extent.upload);
    const others = byUpload.get(name);
    if (others) others.push(extent);
    else byUpload.set(name, [extent]);
  }
  return extents.find((extent) => {
    if (sameBytes(extent.upload, own)) return false;
    return !(byUpload.get(uploadName(extent.upload)) ?? []).some((whole) => contains(whole, extent));
  });
}

function contains(whole: Extent, part: Extent): boolean {
  const start = part.first - whole.first;
  const count = part.checksums.length;
  const left = whole.checksums.length - start - count;
  if (start < 0 || left < 0) return false;
  if (count > 1 && part.chunkBytes !== whole.chunkBytes) return false;
  if (part.lastBytes !== (left === 0 ? whole.lastBytes : whole.chunkBytes)) return false;
  return part.checksums.every((checksum, index) => checksum === whole.checksums[start + index]);
}
