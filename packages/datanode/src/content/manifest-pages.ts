/**
 * The manifest of a very large file has pages: chunks of their own, whose bytes are the manifest with the extents. Where
 * the extents are needed, the pages are read first.
 */
import {
  type CancelSignal,
  checkManifest,
  type ChunkPiece,
  chunksOf,
  type Extent,
  extentBytes,
  type Manifest,
  QuorumError,
} from "@quorumfs/core";
import { crc32c, decodeManifest } from "@quorumfs/runtime";
import type { FileOwner } from "../chunk/chunk-key.js";
import type { ChunkPeers } from "./chunk-peers.js";
import type { ChunkPlaces } from "./chunk-places.js";
import { Slots } from "./slots.js";
import { uploadName } from "./upload-name.js";

/** Extents of 5 TiB in chunks of 4 MiB take 5.3 MiB; this leaves room for shorter chunks. */
export const pagesBytesMax = 8 * 1024 * 1024;
// Some 25 MiB each while they are decoded, and few files have any.
const readAtOnceMax = 1;

export class ManifestPages {
  readonly #peers: Pick<ChunkPeers, "read">;
  readonly #places: Pick<ChunkPlaces, "nearestFirst" | "elsewhere">;
  readonly #slots = new Slots(readAtOnceMax);

  constructor(options: {
    readonly peers: Pick<ChunkPeers, "read">;
    readonly places: Pick<ChunkPlaces, "nearestFirst" | "elsewhere">;
  }) {
    this.#peers = options.peers;
    this.#places = options.places;
  }

  /**
   * The extents of a file, from the manifest itself or from its pages; checked against the file's size.
   *
   * @throws QuorumError `invalid_argument`: the pages are no such manifest; `unavailable`: no replica of a page has it whole
   */
  async extentsOf(
    owner: FileOwner,
    file: { readonly manifest: Manifest; readonly size: number },
    signal: CancelSignal,
  ): Promise<readonly Extent[]> {
    const { manifest, size } = file;
    const { pages } = manifest;
    if (!pages) return manifest.extents;
    const inner = await this.#slots.run(async () => decodePages(await this.#read(owner, pages, signal)), signal);
    if (inner.pages) throw new QuorumError({ code: "invalid_argument", message: "the manifest's pages have pages" });
    checkManifest(inner, size);
    return inner.extents;
  }

  async #read(owner: FileOwner, pages: Extent, signal: CancelSignal): Promise<Uint8Array> {
    const length = extentBytes(pages);
    if (length > pagesBytesMax) {
      throw new QuorumError({
        code: "invalid_argument",
        message: `the manifest has ${length} bytes of pages, and may have ${pagesBytesMax}`,
      });
    }
    const bytes = Buffer.allocUnsafe(length);
    for (const page of chunksOf([pages], { offset: 0, length })) {
      await this.#readPage(owner, page, bytes.subarray(page.fileOffset, page.fileOffset + page.bytes), signal);
    }
    return bytes;
  }

  /** From the first node that has it as it is named: a replica, as a rule. */
  async #readPage(owner: FileOwner, page: ChunkPiece, target: Uint8Array, signal: CancelSignal): Promise<void> {
    let last: QuorumError | undefined;
    for (const node of [...this.#places.nearestFirst(page), ...this.#places.elsewhere(page)]) {
      try {
        let filled = 0;
        const range = { offset: 0, length: page.bytes };
        for await (const bytes of this.#peers.read(node, { owner, ...page }, range, signal)) {
          target.set(bytes, filled);
          filled += bytes.byteLength;
        }
        if (crc32c(target) === page.checksum) return;
      } catch (thrown) {
        last = QuorumError.from(thrown);
        if (signal.aborted) break;
      }
    }
    throw new QuorumError({
      code: "unavailable",
      message: `no DataNode has page ${page.index} of upload ${uploadName(page.upload)} whole; send it again`,
      cause: last,
    });
  }
}

function decodePages(bytes: Uint8Array): Manifest {
  try {
    return decodeManifest(bytes);
  } catch (thrown) {
    const message = "the manifest's pages are no manifest";
    throw new QuorumError({ code: "invalid_argument", message, cause: thrown });
  }
}
