/** Asks the replicas of chunks whether they have them, and has them kept for another while. */
import {
  type CancelSignal,
  type ChunkPiece,
  type ChunkRange,
  chunksOf,
  type Clock,
  type Electorate,
  type Extent,
  extentsBytes,
  hasQuorum,
  type NodeFailure,
  type NodeId,
  QuorumError,
  quorumShortfall,
} from "@quorumfs/core";
import type { ChunkContent } from "../chunk/chunk-store.js";
import type { ClusterStore } from "../cluster/cluster-store.js";
import type { BucketView, ClusterView } from "../cluster/cluster-view.js";
import type { ChunkPeers } from "./chunk-peers.js";
import { chunkVoters } from "./chunk-places.js";
import { uploadName } from "./upload-name.js";

// Placed and counted in a few milliseconds, after which others have their turn; 32 GiB of a file.
const batchChunks = 8192;

/** The file whose chunks they are. */
export interface CheckedFile {
  readonly bucket: BucketView;
  readonly path: string;
}

export class DurabilityCheck {
  readonly #options: DurabilityCheckOptions;

  constructor(options: DurabilityCheckOptions) {
    this.#options = options;
  }

  /**
   * Resolves once each chunk of `extents` was found on W of its replicas, as it is named.
   *
   * @throws QuorumError `unavailable`, naming a chunk and what its replicas said: send it again; `cancelled`
   */
  async check(file: CheckedFile, extents: readonly Extent[], signal: CancelSignal): Promise<void> {
    const pieces = chunksOf(extents, { offset: 0, length: extentsBytes(extents) });
    for (;;) {
      const batch = take(pieces, batchChunks);
      if (batch.length > 0) await this.#checkBatch(file, batch, signal);
      if (batch.length < batchChunks) return;
      await new Promise<void>((resolve) => this.#options.clock.endOfTurn(resolve));
    }
  }

  #checkBatch(file: CheckedFile, pieces: readonly ChunkPiece[], signal: CancelSignal): Promise<void> {
    const { peers, store } = this.#options;
    return new Promise((resolve, reject) => {
      const round = new Round({ view: store.view, bucket: file.bucket, pieces });
      const abort = new AbortController();
      const end = (error: QuorumError | undefined) => {
        signal.removeEventListener("abort", giveUp);
        // Who has not answered by now is not needed any more.
        abort.abort();
        if (error) reject(error);
        else resolve();
      };
      function giveUp(): void {
        end(new QuorumError({ code: "cancelled", message: "the caller gave it up" }));
      }
      if (signal.aborted) return giveUp();
      signal.addEventListener("abort", giveUp, { once: true });
      const owner = { bucket: file.bucket.id, path: file.path };
      for (const [node, asked] of round.questions) {
        peers
          .stat(node, owner, rangesOf(asked), { renew: true, signal: abort.signal })
          .then(
            (states) => round.answered(node, asked, states),
            (thrown: unknown) => round.failed(node, QuorumError.from(thrown).message),
          )
          .then(
            () => {
              if (round.isDurable) end(undefined);
              else if (round.allAnswered) end(round.shortfall());
            },
            (thrown: unknown) => end(QuorumError.from(thrown)),
          );
      }
    });
  }
}

export interface DurabilityCheckOptions {
  readonly peers: Pick<ChunkPeers, "stat">;
  readonly store: Pick<ClusterStore, "view">;
  readonly clock: Clock;
}

/** One chunk, and who has it. */
interface Asked {
  readonly piece: ChunkPiece;
  readonly voters: Electorate;
  readonly holders: NodeId[];
  durable: boolean;
}

/** The questions about one batch of chunks. */
class Round {
  readonly questions = new Map<NodeId, Asked[]>();
  readonly #asked: readonly Asked[];
  readonly #failures = new Map<NodeId, string>();
  #open: number;
  #answers = 0;

  constructor(options: {
    readonly view: ClusterView;
    readonly bucket: BucketView;
    readonly pieces: readonly ChunkPiece[];
  }) {
    const { view, bucket, pieces } = options;
    this.#asked = pieces.map((piece) => ({
      piece,
      voters: chunkVoters(view, bucket, piece),
      holders: [],
      durable: false,
    }));
    this.#open = pieces.length;
    for (const asked of this.#asked) {
      for (const node of asked.voters.members) {
        const others = this.questions.get(node);
        if (others) others.push(asked);
        else this.questions.set(node, [asked]);
      }
    }
  }

  get isDurable(): boolean {
    return this.#open === 0;
  }

  get allAnswered(): boolean {
    return this.#answers === this.questions.size;
  }

  answered(node: NodeId, asked: readonly Asked[], states: readonly (ChunkContent | undefined)[]): void {
    this.#answers += 1;
    for (const [index, chunk] of asked.entries()) {
      const state = states[index];
      if (state?.size !== chunk.piece.bytes || state.checksum !== chunk.piece.checksum) continue;
      chunk.holders.push(node);
      if (chunk.durable || !hasQuorum(chunk.voters, "write", (voter) => chunk.holders.includes(voter))) continue;
      chunk.durable = true;
      this.#open -= 1;
    }
  }

  failed(node: NodeId, reason: string): void {
    this.#answers += 1;
    this.#failures.set(node, reason);
  }

  shortfall(): QuorumError {
    const lacking = this.#asked.find(({ durable }) => !durable);
    if (!lacking) throw new QuorumError({ code: "internal", message: "no chunk is lacking" });
    const { piece, voters, holders } = lacking;
    const { needed, got } = quorumShortfall(voters, "write", (node) => holders.includes(node));
    const nodes: NodeFailure[] = voters.members
      .filter((node) => !holders.includes(node))
      .map((node) => ({ node, reason: this.#failures.get(node) ?? "does not have it as it is named" }));
    const why = nodes.map(({ node, reason }) => `node ${node}: ${reason}`).join("; ");
    const name = `chunk ${piece.index} of upload ${uploadName(piece.upload)}`;
    const rest = this.#open > 1 ? `, and so do ${this.#open - 1} others` : "";
    return new QuorumError({
      code: "unavailable",
      message: `${name} is on ${got} of the ${needed} replicas that it needs (${why})${rest}; send what is missing again`,
      details: { needed, got, nodes },
    });
  }
}

function take(pieces: Iterator<ChunkPiece, void, undefined>, count: number): readonly ChunkPiece[] {
  const taken: ChunkPiece[] = [];
  while (taken.length < count) {
    const next = pieces.next();
    if (next.done) break;
    taken.push(next.value);
  }
  return taken;
}

function rangesOf(asked: readonly Asked[]): readonly ChunkRange[] {
  const ranges: { upload: Uint8Array; first: number; count: number }[] = [];
  for (const { piece } of asked) {
    const last = ranges.at(-1);
    if (last?.upload === piece.upload && last.first + last.count === piece.index) last.count += 1;
    else ranges.push({ upload: piece.upload, first: piece.index, count: 1 });
  }
  return ranges;
}
