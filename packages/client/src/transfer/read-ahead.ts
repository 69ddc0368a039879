/**
 * The memory of all downloads of one client: what they have asked for and not handed out. Three chunks, shared by whoever
 * comes first; a download that would get nothing gets a little all the same, or a reader that sleeps could stop the others.
 */
import { blockBytes, chunkBytesMax } from "@quorumfs/core";

/** More makes nothing faster where a round trip takes less than 20 ms. */
export const readAheadBytesMax = 3 * chunkBytesMax;
/** What a download may ask for where nothing is left; whole blocks. Where very many do so, one block. */
export const leastReadBytes = 512 * 1024;

export class ReadAhead {
  #used = 0;

  get used(): number {
    return this.#used;
  }

  /**
   * @param wanted up to a chunk
   * @param isIdle the download has nothing under way
   * @returns how much of that may be asked for now, 0 for nothing; to be given back by {@link free}
   */
  take(wanted: number, isIdle: boolean): number {
    const room = readAheadBytesMax - this.#used;
    const least = room > -readAheadBytesMax ? leastReadBytes : blockBytes;
    const granted = wanted <= room ? wanted : isIdle ? Math.min(wanted, least) : 0;
    this.#used += granted;
    return granted;
  }

  free(bytes: number): void {
    this.#used -= bytes;
  }
}
