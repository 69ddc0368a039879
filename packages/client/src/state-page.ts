import type { FilePage } from "@quorumfs/proto";
import { wallDate } from "./adapters/wall-date.js";
import type { FileState } from "./cluster-info.js";
import { toHex } from "./wire.js";

const numberBytes = 8;
const etagDigits = 64;

const utf8 = new TextDecoder();

/** The files of a page, one by one. */
export function* filesOf({ bucket, files, placements, placementOf }: FilePage): Generator<FileState> {
  if (!files || files.count === 0) return;
  const versions = viewOf(files.versions);
  const sizes = viewOf(files.sizes);
  const modified = viewOf(files.modifiedAtMs);
  const places = viewOf(placementOf);
  // One conversion for all is many times faster than one for each.
  const etags = toHex(files.etags);
  const paths = utf8.decode(files.paths).split("\n");
  for (let index = 0; index < paths.length; index += 1) {
    const path = paths[index] ?? "";
    const at = index * numberBytes;
    const place = placements[places.byteLength === 0 ? 0 : places.getUint16(index * 2, true)];
    yield {
      name: `${bucket}/${path}`,
      bucket,
      path,
      version: versions.getFloat64(at, true),
      size: sizes.getFloat64(at, true),
      etag: etags.slice(index * etagDigits, (index + 1) * etagDigits),
      holders: place?.holders ?? [],
      behind: place?.behind ?? [],
      modifiedAt: wallDate(modified.getFloat64(at, true)),
    };
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
