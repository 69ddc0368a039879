import { type Condition, firstPageIndex, type Manifest, QuorumError, sameBytes } from "@quorumfs/core";

/** More would not fit into one notice of what is to be kept. Who appends that often had better write the file anew. */
export const extentsMax = 65_536;

/**
 * Which uploads a mutation may name: its own, since the register applies it once and so decides once whether they are
 * needed; and, if it builds on one version of the file, those of that version.
 *
 * @throws QuorumError `invalid_argument`
 */
export function checkUploads(
  manifest: Manifest,
  terms: { readonly requestId: Uint8Array; readonly condition: Condition },
): void {
  const { extents, pages } = manifest;
  const { requestId, condition } = terms;
  if (extents.length > extentsMax) throw invalid(`it has ${extents.length} extents, and may have ${extentsMax}`);
  for (const { upload, first, checksums } of extents) {
    if (first + checksums.length > firstPageIndex) throw invalid("chunks of the file have indices of pages");
    if (condition.kind === "version" || sameBytes(upload, requestId)) continue;
    throw invalid("an upload has another id than the request; only with if_version may it be one of that version");
  }
  if (!pages) return;
  if (!sameBytes(pages.upload, requestId)) throw invalid("its pages are of another upload than the request's");
  if (pages.first < firstPageIndex) throw invalid(`pages have indices from ${firstPageIndex} on`);
}

function invalid(reason: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message: `the manifest cannot be put: ${reason}` });
}
