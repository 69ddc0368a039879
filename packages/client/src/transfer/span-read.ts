/**
 * A part of one chunk, from whichever of its replicas delivers it. One that dies, stalls or sends what does not match its
 * checksums is replaced by another, which goes on where verified bytes end.
 */
import { assert, type CancelTimer, type ChunkPiece, type NodeFailure, QuorumError } from "@quorumfs/core";
import type { ChunkReaders } from "../cluster/cluster-view.js";
import { backoffMs } from "../retry/backoff.js";
import type { Target } from "../routing/target.js";
import type { ChunkSpan } from "./block-check.js";
import { ChunkStream } from "./chunk-stream.js";
import type { ChunkOwner, TransferContext } from "./transfer-context.js";

// So often all replicas have said that they do not have the chunk: then it is gone, and waiting does not bring it back.
const roundsWithoutMax = 3;
// No bytes for so long: another replica is asked as well, and the first that answers stays. Nobody is given up for that,
// since it may be our own line that is slow; for the same reason each further one is asked after twice the time.
const stallMs = 2_000;

export interface SpanReadOptions {
  /** For messages: `files/x`. */
  readonly name: string;
  readonly owner: ChunkOwner;
  readonly piece: ChunkPiece;
  readonly span: ChunkSpan;
  /** The longest time without a byte. */
  readonly timeoutMs: number;
  /** There is more to {@link SpanRead.take}, or it has ended or failed. */
  readonly onChange: () => void;
}

export class SpanRead {
  readonly #context: TransferContext;
  readonly #options: SpanReadOptions;
  /** Verified, and not handed out yet. */
  readonly #views: Uint8Array[] = [];
  #position: number;
  readonly #streams = new Set<ChunkStream>();
  /** Replicas that were asked in this round. */
  #tried: number[] = [];
  #round = 1;
  readonly #failures = new Map<number, QuorumError>();
  #progressedAtMs: number;
  #cancelTimer: CancelTimer | undefined;
  #over = false;
  /** A second replica was asked before the first one counted as stalled. */
  #isHasty = false;
  error: QuorumError | undefined;

  constructor(context: TransferContext, options: SpanReadOptions) {
    const { piece, span } = options;
    assert(span.offset < span.end && span.end <= piece.bytes, "a span lies outside of its chunk");
    this.#context = context;
    this.#options = options;
    this.#position = span.offset;
    this.#progressedAtMs = context.clock.nowMs();
  }

  /** To be called once, after construction. */
  start(): void {
    this.#ask();
    this.#watch();
  }

  /** The next verified bytes; undefined if there are none now. */
  take(): Uint8Array | undefined {
    return this.#views.shift();
  }

  /** Everything was taken. */
  get done(): boolean {
    return this.#over && this.error === undefined && this.#views.length === 0;
  }

  /** Asks the best replica that was not asked in this round, or begins another round after a pause. */
  #ask(): void {
    try {
      const target = this.#pick();
      if (target) this.#open(target);
      else if (this.#streams.size === 0) this.#nextRound();
    } catch (thrown) {
      this.#fail(QuorumError.from(thrown));
    }
  }

  #pick(): Target | undefined {
    const { replicas, others } = this.#readers;
    for (const nodes of [...replicas, others]) {
      const target = this.#best(nodes);
      if (target) return target;
    }
    return undefined;
  }

  get #readers(): ChunkReaders {
    const { upload, index } = this.#options.piece;
    return this.#context.view().chunkReaders(upload, index);
  }

  #best(nodes: readonly number[]): Target | undefined {
    const { clock, dataNodes, random, haste } = this.#context;
    const nowMs = clock.nowMs();
    const targets = nodes.flatMap((node) => (this.#tried.includes(node) ? [] : (dataNodes.target(node) ?? [])));
    const quickestMs = Math.min(...targets.map(({ bulk }) => bulk.firstBytes.expectedMs(nowMs)));
    let best: { readonly target: Target; readonly rank: number } | undefined;
    for (const target of targets) {
      // Health first, then whether it is much slower than another, then what is asked of it already, then chance.
      const health = target.bulk.restMs(nowMs) > 0 ? 3 : target.tier;
      const slow = haste.isSlow(target.bulk, quickestMs, nowMs) ? 1 : 0;
      const rank = (2 * health + slow) * 2 ** 40 + target.bulk.readingBytes + random.fraction();
      if (!best || rank < best.rank) best = { target, rank };
    }
    return best?.target;
  }

  #open({ bulk: peer }: Target): void {
    const { clock } = this.#context;
    const { owner, piece, span } = this.#options;
    this.#tried.push(peer.id);
    const stream: ChunkStream = new ChunkStream({
      peer,
      owner,
      piece,
      span: { offset: this.#position, end: span.end },
      clock,
      onBytes: (bytes) => this.#onBytes(stream, bytes),
      onEnd: (error) => this.#onEnd(stream, error),
    });
    this.#streams.add(stream);
  }

  #onBytes(stream: ChunkStream, bytes: Uint8Array): void {
    const { clock, haste } = this.#context;
    const nowMs = clock.nowMs();
    if (!stream.hasBegun) haste.came(stream.peer, nowMs - stream.askedAtMs, nowMs);
    stream.hasBegun = true;
    for (const other of [...this.#streams]) {
      if (other === stream) continue;
      if (!other.hasBegun) haste.wasLate(other.peer, nowMs - other.askedAtMs, nowMs);
      this.#drop(other);
    }
    stream.peer.worked();
    this.#progressedAtMs = nowMs;
    this.#position += bytes.length;
    this.#views.push(bytes);
    this.#options.onChange();
  }

  #onEnd(stream: ChunkStream, error: QuorumError | undefined): void {
    this.#streams.delete(stream);
    if (error) this.#turnAway(stream, error);
    else this.#end();
  }

  #turnAway({ peer }: ChunkStream, error: QuorumError): void {
    const { clock, log } = this.#context;
    const { name, piece } = this.#options;
    // That somebody else does not have it, either, is no news.
    if (!this.#readers.others.includes(peer.id)) this.#failures.set(peer.id, error);
    log.debug("chunk.read-failed", {
      file: name,
      chunk: piece.index,
      node: peer.id,
      code: error.code,
      error: error.message,
    });
    // A replica that lacks or has damaged one chunk serves others well.
    if (error.code !== "not_found" && error.code !== "corrupt") peer.failed(clock.nowMs(), error.details.retryAfterMs);
    if (this.#streams.size === 0) this.#ask();
  }

  #nextRound(): void {
    const { clock, random } = this.#context;
    if (this.#round > roundsWithoutMax && this.#isGone) return this.#fail(this.#exhausted());
    this.#tried = [];
    this.#cancelTimer?.();
    const pauseMs = Math.min(backoffMs(this.#round, random), this.#patienceMs);
    this.#round += 1;
    this.#cancelTimer = clock.after(pauseMs, () => {
      if (this.#patienceMs <= 0) return this.#fail(this.#exhausted());
      this.#ask();
      if (this.#streams.size > 0) this.#watch();
    });
  }

  /** Looks after those that are asked. */
  #watch(): void {
    if (this.#over || this.#streams.size === 0) return;
    const { clock } = this.#context;
    if (this.#patienceMs <= 0) return this.#fail(this.#exhausted());
    const nowMs = clock.nowMs();
    let lastMs = -Infinity;
    for (const { progressedAtMs } of this.#streams) lastMs = Math.max(lastMs, progressedAtMs);
    let silenceMs = this.#silenceMs;
    if (nowMs - lastMs >= silenceMs) {
      this.#hedge(silenceMs >= stallMs);
      lastMs = nowMs;
      silenceMs = this.#silenceMs;
    }
    this.#cancelTimer?.();
    this.#cancelTimer = clock.after(Math.min(lastMs + silenceMs - nowMs, this.#patienceMs), () => this.#watch());
  }

  /** How long nothing may come before another replica is asked. */
  get #silenceMs(): number {
    const [first] = this.#streams;
    if (this.#streams.size > 1 || this.#isHasty || first?.hasBegun !== false)
      return stallMs * 2 ** (this.#streams.size - 1);
    return this.#context.haste.patienceMs(stallMs);
  }

  /**
   * Asks one more, if there is one that is not being asked.
   *
   * @param isStalled those that are asked have said nothing for so long that others had better leave them alone
   */
  #hedge(isStalled: boolean): void {
    const { clock, haste } = this.#context;
    if (!isStalled) {
      this.#isHasty = true;
      haste.askedTwice();
    }
    for (const { peer } of isStalled ? this.#streams : []) {
      const { id, address } = peer;
      const message = `DataNode ${id} at ${address} sends nothing`;
      this.#failures.set(id, new QuorumError({ code: "unavailable", message }));
      peer.failed(clock.nowMs());
    }
    this.#tried = [...this.#streams].map(({ peer }) => peer.id);
    const target = this.#pick();
    if (target) this.#open(target);
  }

  get #isGone(): boolean {
    const { others } = this.#readers;
    const tried = this.#tried.filter((node) => !others.includes(node)).map((node) => this.#failures.get(node)?.code);
    return tried.length > 0 && tried.every((code) => code === "not_found");
  }

  get #patienceMs(): number {
    return this.#progressedAtMs + this.#options.timeoutMs - this.#context.clock.nowMs();
  }

  #exhausted(): QuorumError {
    const { name, piece } = this.#options;
    const waitedMs = this.#context.clock.nowMs() - this.#progressedAtMs;
    const failures = [...this.#failures];
    const isDamaged =
      failures.length > 0 && failures.every(([, { code }]) => code === "corrupt" || code === "not_found");
    const nodes: NodeFailure[] = failures.map(([node, { message }]) => ({ node, reason: message }));
    const what = isDamaged ? "has an undamaged copy of" : "delivers";
    return new QuorumError({
      code: isDamaged ? "corrupt" : "unavailable",
      message: `no DataNode ${what} chunk ${piece.index} of ${name}; no progress for ${Math.round(waitedMs)} ms`,
      details: { nodes },
    });
  }

  #fail(error: QuorumError): void {
    this.error = error;
    this.#end();
  }

  #end(): void {
    this.cancel();
    this.#options.onChange();
  }

  #drop(stream: ChunkStream): void {
    this.#streams.delete(stream);
    stream.cancel();
  }

  /** Asks nobody any more. Idempotent. */
  cancel(): void {
    this.#over = true;
    this.#cancelTimer?.();
    for (const stream of [...this.#streams]) this.#drop(stream);
  }
}
