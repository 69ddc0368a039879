import {
  type CancelSignal,
  type ChunkRange,
  chunkRangesOf,
  type Extent,
  QuorumError,
  type Value,
} from "@quorumfs/core";
import { decodeManifest } from "@quorumfs/runtime";
import type {
  CancelOperation,
  Coordinator,
  Done,
  FileRequest,
  Found,
  Settled,
  SettleRequest,
} from "../coordinator/coordinator.js";
import type { ManifestPages } from "./manifest-pages.js";

/** The chosen version of a file, and what it is made of. */
export interface CurrentFile {
  /** Live or a tombstone. */
  readonly value: Value;
  /** In the order of the file's bytes; none if it has no chunks. */
  readonly extents: readonly Extent[];
  /** All that has to be kept for it, pages included. */
  readonly ranges: readonly ChunkRange[];
}

/** Finds out what files are made of. */
export class CurrentFiles {
  readonly #coordinator: Coordinator;
  readonly #pages: ManifestPages;

  constructor(options: { readonly coordinator: Coordinator; readonly pages: ManifestPages }) {
    this.#coordinator = options.coordinator;
    this.#pages = options.pages;
  }

  /**
   * A linearizable read.
   *
   * @returns undefined: there is no such file now
   * @throws QuorumError `unavailable`, `quorum_unavailable`; `cancelled` by `signal`
   */
  async read(file: FileRequest, signal: CancelSignal): Promise<CurrentFile | undefined> {
    const request = { ...file, withContent: true, consistency: "linearizable" } as const;
    try {
      const { value } = await finished<Found>((done) => this.#coordinator.read(request, done), signal);
      return await this.#open(file, value, signal);
    } catch (thrown) {
      const error = QuorumError.from(thrown);
      if (error.code === "not_found") return undefined;
      throw error;
    }
  }

  /**
   * An identity round.
   *
   * @param file.orTombstone where there never was such a file, a tombstone is made. Only then is it certain that nothing can
   *   become chosen any more that was proposed before: a promise alone does not stop who comes later, asks a node
   *   that had voted for it, and makes it chosen
   * @returns undefined: the file never existed, or all trace of it is gone
   * @throws QuorumError as {@link read}
   */
  async settle(file: SettleRequest, signal: CancelSignal): Promise<CurrentFile | undefined> {
    const { value } = await finished<Settled>((done) => this.#coordinator.settle(file, done), signal);
    return value && (await this.#open(file, value, signal));
  }

  async #open({ bucket, path }: FileRequest, value: Value, signal: CancelSignal): Promise<CurrentFile> {
    if (value.content.kind !== "manifest") return { value, extents: [], ranges: [] };
    const manifest = decodeManifest(value.content.bytes);
    const owner = { bucket: bucket.id, path };
    const extents = await this.#pages.extentsOf(owner, { manifest, size: value.size }, signal);
    return { value, extents, ranges: chunkRangesOf(manifest, extents) };
  }
}

/** An operation of the coordinator as a promise, given up with `signal`. */
export function finished<Result>(
  begin: (done: Done<Result>) => CancelOperation,
  signal: CancelSignal,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    let ended = false;
    const cancel = begin((error, result) => {
      ended = true;
      signal.removeEventListener("abort", giveUp);
      if (result === undefined) reject(QuorumError.from(error));
      else resolve(result);
    });
    function giveUp(): void {
      cancel();
    }
    // It may have ended before it came back: then nobody would take the listener away any more.
    if (ended) return;
    if (signal.aborted) cancel();
    else signal.addEventListener("abort", giveUp, { once: true });
  });
}
