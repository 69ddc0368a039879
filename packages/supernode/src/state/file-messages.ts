import type { FilePage, FileState } from "@quorumfs/proto";
import { rowsOf } from "./file-rows.js";

/** Of at most 1.2 KiB each, most of it path: well below a message's limit. */
const filesPerMessageMax = 1000;

/** A page as messages of one file each, for callers that do not know columns; so many at a time. */
export function* fileMessages({ bucket, files, placements, placementOf }: FilePage): Generator<FileState[]> {
  const places = new DataView(placementOf.buffer, placementOf.byteOffset, placementOf.length);
  let messages: FileState[] = [];
  let index = 0;
  for (const { path, version, size, etag, modifiedAtMs } of files ? rowsOf(files) : []) {
    const place = placements[places.byteLength === 0 ? 0 : places.getUint16(index * 2, true)];
    const { holders = [], behind = [] } = place ?? {};
    messages.push({ bucket, path, version, size, etag, holders, behind, modifiedAtMs });
    index += 1;
    if (messages.length < filesPerMessageMax) continue;
    yield messages;
    messages = [];
  }
  if (messages.length > 0) yield messages;
}
