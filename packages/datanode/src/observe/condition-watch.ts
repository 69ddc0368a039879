/**
 * Looks once a second at how this node fares, and notices what has changed for people: full or not, refusing or not, behind or
 * not, damaged and repaired. Each with so much patience that what comes and goes makes one event, and not hundreds.
 */
import type { CancelTimer, Clock } from "@quorumfs/core";
import { SyncState, type SyncStatus } from "@quorumfs/proto";
import { Condensed } from "./condensed.js";
import type { NoticedEvents } from "./noticed-events.js";
import { operationKinds, type OperationMeter } from "./operation-meter.js";

const lookEveryMs = 1000;

/** A few refusals are how clients learn how much they may ask for. */
const refusedPerSecondMin = 10;

/** Who refuses again within that time has not stopped. */
const refusingOverMs = 30_000;

/** Space that is freed goes again to what has waited for it. */
const roomLastsMs = 10_000;

export type DamagedKind = "record" | "chunk";

export interface ConditionWatchOptions {
  readonly events: NoticedEvents;
  readonly meter: OperationMeter;
  readonly isFull: () => boolean;
  readonly sync: () => SyncStatus;
  readonly clock: Clock;
}

export class ConditionWatch {
  readonly #options: ConditionWatchOptions;
  readonly #found: Readonly<Record<DamagedKind, Condensed>> = { record: new Condensed(), chunk: new Condensed() };
  readonly #repaired: Readonly<Record<DamagedKind, Condensed>> = { record: new Condensed(), chunk: new Condensed() };
  #cancel: CancelTimer | undefined;
  /** Since when there has been room; undefined: full has not been noticed. */
  #hasRoomSinceMs: number | undefined;
  #isFull = false;
  #refusedBefore = 0;
  /** Undefined: not refusing. */
  #refusing: { refused: number; readonly sinceMs: number; lastMs: number } | undefined;
  /** What is fetched from other replicas; undefined: nothing. */
  #fetching: { readonly sinceMs: number; records: number; isTold: boolean } | undefined;

  constructor(options: ConditionWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#cancel = this.#options.clock.after(lookEveryMs, () => {
      this.look();
      this.start();
    });
  }

  /** Idempotent. */
  close(): void {
    this.#cancel?.();
  }

  /** Something is damaged, and was not known to be. @param what names it */
  found(kind: DamagedKind, what: string): void {
    this.#found[kind].add(what);
  }

  repaired(kind: DamagedKind, what: string): void {
    this.#repaired[kind].add(what);
  }

  /** Another replica has records that this node lacks; they are fetched. */
  fetching(): void {
    this.#fetching ??= { sinceMs: this.#options.clock.nowMs(), records: 0, isTold: false };
  }

  /** So many records were fetched. */
  fetched(records: number): void {
    this.fetching();
    if (this.#fetching) this.#fetching.records += records;
  }

  /** Once a second. */
  look(): void {
    const nowMs = this.#options.clock.nowMs();
    this.#lookAtDamage(nowMs);
    this.#lookAtRoom(nowMs);
    this.#lookAtRefusals(nowMs);
    this.#lookAtSync(nowMs);
  }

  #lookAtDamage(nowMs: number): void {
    const { events } = this.#options;
    for (const kind of ["record", "chunk"] as const) {
      const found = this.#found[kind].due(nowMs);
      if (found) {
        const message = `${things(found.count, kind)} found damaged: ${found.example}${others(found.count)}`;
        events.notice("damage.found", message, { kind, count: found.count, example: found.example });
      }
      const repaired = this.#repaired[kind].due(nowMs);
      if (repaired) {
        const message = `${things(repaired.count, kind)} repaired: ${repaired.example}${others(repaired.count)}`;
        events.notice("damage.repaired", message, { kind, count: repaired.count, example: repaired.example });
      }
    }
  }

  #lookAtRoom(nowMs: number): void {
    const { events, isFull } = this.#options;
    if (isFull()) {
      this.#hasRoomSinceMs = undefined;
      if (!this.#isFull) events.notice("node.full", "too little space is left: new content is not taken");
      this.#isFull = true;
      return;
    }
    if (!this.#isFull) return;
    this.#hasRoomSinceMs ??= nowMs;
    if (nowMs - this.#hasRoomSinceMs < roomLastsMs) return;
    this.#isFull = false;
    events.notice("node.has-room", "there is space again: new content is taken");
  }

  #lookAtRefusals(nowMs: number): void {
    const { events, meter } = this.#options;
    const refusedInAll = operationKinds.reduce((sum, kind) => sum + meter.kind(kind).refused, 0);
    const refused = refusedInAll - this.#refusedBefore;
    this.#refusedBefore = refusedInAll;
    if (this.#refusing) {
      this.#refusing.refused += refused;
      if (refused > 0) this.#refusing.lastMs = nowMs;
      if (nowMs - this.#refusing.lastMs < refusingOverMs) return;
      const { sinceMs, lastMs, refused: all } = this.#refusing;
      this.#refusing = undefined;
      const elapsedMs = Math.round(lastMs - sinceMs);
      const message = `all operations are taken again; ${all} were refused within ${seconds(elapsedMs + lookEveryMs)}`;
      events.notice("overload.over", message, { refused: all, elapsed_ms: elapsedMs });
    } else if (refused >= refusedPerSecondMin) {
      this.#refusing = { refused, sinceMs: nowMs, lastMs: nowMs };
      const message = `more operations come than can be done: ${refused} were refused within a second`;
      events.notice("overload.refusing", message, { refused });
    }
  }

  #lookAtSync(nowMs: number): void {
    const { events, sync } = this.#options;
    const { state, behindRecords, behindBytes, behindChunks } = sync();
    if (state === SyncState.SYNC_STATE_CATCHING_UP) this.fetching();
    const fetching = this.#fetching;
    if (!fetching) return;
    if (!fetching.isTold) {
      fetching.isTold = true;
      const records = behindRecords + fetching.records;
      const chunks = behindChunks === 0 ? "" : ` and ${behindChunks} chunks`;
      const fields = { records, bytes: behindBytes, chunks: behindChunks };
      events.notice("repair.started", `fetches ${records} records${chunks} that other replicas have`, fields);
    }
    if (state !== SyncState.SYNC_STATE_IN_SYNC) return;
    this.#fetching = undefined;
    const elapsedMs = Math.round(nowMs - fetching.sinceMs);
    const message = `holds again all that it should; fetched ${fetching.records} records in ${seconds(elapsedMs)}`;
    events.notice("repair.completed", message, { records: fetching.records, elapsed_ms: elapsedMs });
  }
}

function things(count: number, kind: DamagedKind): string {
  return count === 1 ? `a ${kind} was` : `${count} ${kind}s were`;
}

function others(count: number): string {
  return count === 1 ? "" : ", and others";
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
