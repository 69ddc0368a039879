/**
 * One chunk on its way to all replicas of its partition at the same time. It is safe once W have it on their disks; who is
 * late after that may go on for as long as nobody needs the memory. A replica that fails is tried again only where W cannot
 * be had without it, since what it lacks it will fetch from the others by itself.
 */
import { type CancelTimer, type NodeFailure, QuorumError } from "@quorumfs/core";
import type { ChunkHeader, WriteChunkRequest } from "@quorumfs/proto";
import { type ChunkPlaces, isPrevented, isSafe, isWanted, worstOf } from "../cluster/chunk-places.js";
import type { BulkPeer } from "../routing/bulk-peer.js";
import type { ChunkBuffer } from "./chunk-buffer.js";
import { ChunkWrite } from "./chunk-write.js";
import type { ChunkOwner, TransferContext } from "./transfer-context.js";
import type { Straggler } from "./upload-buffers.js";

// A replica that takes nothing for so long, while enough others are done, hangs.
const stallMs = 2_000;

export interface ChunkUploadOptions {
  /** For messages: `chunk 17 of files/x`. */
  readonly title: string;
  readonly owner: ChunkOwner;
  readonly upload: Uint8Array;
  readonly index: number;
  readonly checksum: number;
  /** Filled. Given back to the context's buffers once nobody is sent it any more. */
  readonly buffer: ChunkBuffer;
  /** Which nodes are to hold it, and how many of them make it safe; asked again before every attempt. */
  readonly places: () => ChunkPlaces;
  /** The longest time without progress. */
  readonly timeoutMs: number;
  /** Called once: it is safe, or it has failed for good. */
  readonly onSettled: (error: QuorumError | undefined) => void;
  /** Called once, when the buffer has been given back. */
  readonly onReleased: () => void;
}

export class ChunkUpload implements Straggler {
  readonly #options: ChunkUploadOptions;
  readonly #context: TransferContext;
  readonly #header: ChunkHeader;
  readonly #messages: readonly WriteChunkRequest[];
  readonly #writes = new Map<number, ChunkWrite>();
  readonly #stored = new Set<number>();
  /** Why each node that has failed did so last. */
  readonly #failures = new Map<number, QuorumError>();
  /** How far each node has come at best. */
  readonly #furthest = new Map<number, number>();
  #settled = false;
  #released = false;
  #progressedAtMs: number;
  #cancelTimer: CancelTimer | undefined;

  constructor(context: TransferContext, options: ChunkUploadOptions) {
    const { owner, upload, index, checksum, buffer } = options;
    this.#context = context;
    this.#options = options;
    this.#header = { owner: { ...owner }, upload, index, size: buffer.size, crc32c: checksum };
    this.#messages = buffer.messages();
    this.#progressedAtMs = context.clock.nowMs();
  }

  get buffer(): ChunkBuffer {
    return this.#options.buffer;
  }

  /** To be called once, after construction. */
  start(): void {
    this.#advance();
  }

  /** Does what is to be done now, and sees to it that it is called again when there will be more. */
  #advance(): void {
    if (this.#settled) return;
    this.#cancelTimer?.();
    try {
      const places = this.#options.places();
      if (isSafe(places, (node) => this.#stored.has(node))) return this.#onSafe();
      const refusal = this.#finalRefusal(places);
      if (refusal) return this.#settle(refusal);
      this.#begin(places);
      const patienceMs = this.#options.timeoutMs - (this.#context.clock.nowMs() - this.#progressedAtMs);
      if (patienceMs <= 0) return this.#settle(this.#outOfTime(places));
      this.#advanceIn(Math.min(patienceMs, this.#restMs(places.nodes)));
    } catch (thrown) {
      this.#settle(QuorumError.from(thrown));
    }
  }

  #advanceIn(delayMs: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#context.clock.after(delayMs, () => this.#advance());
  }

  /** Sends to the nodes that are well; at first to all of them, later to as many as are short. */
  #begin(places: ChunkPlaces): void {
    const { clock, dataNodes, buffers } = this.#context;
    const nowMs = clock.nowMs();
    const isFirst = this.#writes.size === 0 && this.#failures.size === 0 && this.#stored.size === 0;
    const isBegun = (node: number) => this.#writes.has(node) || this.#stored.has(node);
    if (!isFirst && isSafe(places, isBegun)) return;
    const peers: BulkPeer[] = [];
    for (const node of places.nodes) {
      const peer = dataNodes.target(node)?.bulk;
      if (peer && !isBegun(node) && peer.restMs(nowMs) === 0) peers.push(peer);
    }
    peers.sort((a, b) => a.straggling - b.straggling);
    for (const peer of peers) {
      // Who is behind with earlier chunks, and holds as much memory as it may, is not sent another that others can take.
      if (peer.straggling > 0 && buffers.crowded && !isWanted(places, peer.id, isBegun)) continue;
      this.#write(peer);
    }
  }

  #write(peer: BulkPeer): void {
    const { clock } = this.#context;
    const write: ChunkWrite = new ChunkWrite({
      peer,
      header: this.#header,
      messages: this.#messages,
      clock,
      onProgress: (steps) => this.#onProgress(peer.id, steps),
      onEnd: (error) => this.#onEnd(write, error),
    });
    this.#writes.set(peer.id, write);
  }

  /** A replica that fails at the same place again and again makes no progress. */
  #onProgress(node: number, steps: number): void {
    if (steps <= (this.#furthest.get(node) ?? 0)) return;
    this.#furthest.set(node, steps);
    this.#progressedAtMs = this.#context.clock.nowMs();
  }

  #onEnd(write: ChunkWrite, error: QuorumError | undefined): void {
    const { peer } = write;
    const { clock, log } = this.#context;
    this.#writes.delete(peer.id);
    if (error) {
      this.#failures.set(peer.id, error);
      peer.failed(clock.nowMs(), error.details.retryAfterMs);
      log.debug("chunk.refused", { chunk: this.#options.title, node: peer.id, code: error.code, error: error.message });
    } else {
      this.#stored.add(peer.id);
      this.#progressedAtMs = clock.nowMs();
      peer.worked();
    }
    if (!this.#settled) return this.#advance();
    peer.straggling -= 1;
    this.#releaseIfIdle();
  }

  #onSafe(): void {
    this.#settled = true;
    for (const { peer } of this.#writes.values()) peer.straggling += 1;
    if (this.#writes.size > 0) {
      this.#context.buffers.straggles(this);
      this.#watchStragglers();
    }
    this.#options.onSettled(undefined);
    this.#releaseIfIdle();
  }

  #watchStragglers(): void {
    const nowMs = this.#context.clock.nowMs();
    let leftMs = stallMs;
    for (const write of [...this.#writes.values()]) {
      const idleMs = nowMs - write.progressedAtMs;
      if (idleMs < stallMs) {
        leftMs = Math.min(leftMs, stallMs - idleMs);
        continue;
      }
      this.#leaveBehind(write);
      write.peer.failed(nowMs);
    }
    this.#releaseIfIdle();
    if (!this.#released) this.#cancelTimer = this.#context.clock.after(leftMs, () => this.#watchStragglers());
  }

  #leaveBehind(write: ChunkWrite): void {
    write.cancel();
    write.peer.straggling -= 1;
    this.#writes.delete(write.peer.id);
  }

  cut(): void {
    for (const write of [...this.#writes.values()]) this.#leaveBehind(write);
    this.#releaseIfIdle();
  }

  /** Gives the chunk up, whoever has it. Idempotent. */
  cancel(error: QuorumError): void {
    if (this.#settled) this.cut();
    else this.#settle(error);
  }

  #settle(error: QuorumError): void {
    if (this.#settled) return;
    this.#settled = true;
    for (const write of this.#writes.values()) write.cancel();
    this.#writes.clear();
    this.#options.onSettled(error);
    this.#releaseIfIdle();
  }

  #releaseIfIdle(): void {
    if (this.#released || this.#writes.size > 0) return;
    this.#released = true;
    this.#cancelTimer?.();
    this.#context.buffers.straggledEnough(this);
    this.#context.buffers.give(this.#options.buffer);
    this.#options.onReleased();
  }

  /** Until the next of those that are left alone may be asked again. */
  #restMs(nodes: readonly number[]): number {
    const { clock, dataNodes } = this.#context;
    const nowMs = clock.nowMs();
    let shortestMs = stallMs;
    for (const node of nodes) {
      const restMs = this.#writes.has(node) ? 0 : (dataNodes.target(node)?.bulk.restMs(nowMs) ?? 0);
      if (restMs > 0) shortestMs = Math.min(shortestMs, restMs);
    }
    return shortestMs;
  }

  /** So many replicas refuse it for what it is that it can never be safe. */
  #finalRefusal(places: ChunkPlaces): QuorumError | undefined {
    const refusals = new Map<number, QuorumError>();
    for (const node of places.nodes) {
      const failure = this.#failures.get(node);
      if (failure && isFinal(failure) && !this.#stored.has(node)) refusals.set(node, failure);
    }
    return isPrevented(places, (node) => refusals.has(node)) ? [...refusals.values()][0] : undefined;
  }

  #outOfTime(places: ChunkPlaces): QuorumError {
    const { title, timeoutMs } = this.#options;
    const reasons: NodeFailure[] = [];
    for (const node of places.nodes) {
      const failure = this.#failures.get(node);
      if (failure) reasons.push({ node, reason: failure.message });
      else if (!this.#stored.has(node)) reasons.push({ node, reason: "no progress" });
    }
    const full = new Map([...this.#failures].filter(([, { code }]) => code === "resource_exhausted"));
    const isFull = isPrevented(places, (node) => full.has(node));
    const { needed, got } = worstOf(places, (node) => this.#stored.has(node));
    return new QuorumError({
      code: isFull ? "resource_exhausted" : "quorum_unavailable",
      message: isFull
        ? `${title} needs ${needed} DataNodes, and too many refuse new content (${[...full.values()][0]?.message ?? ""}); delete files or add DataNodes`
        : `${title} needs ${needed} DataNodes and got ${got}; no progress for ${Math.round(timeoutMs)} ms`,
      details: { needed, got, nodes: reasons },
    });
  }
}

/** It is the chunk that is refused, and not the moment. */
function isFinal({ code }: QuorumError): boolean {
  return code === "invalid_argument" || code === "precondition_failed" || code === "permission_denied";
}
