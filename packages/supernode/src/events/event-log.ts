/**
 * What has happened to the cluster, durably: the SuperNode's own events, and those that DataNodes have noticed. Nobody is
 * shown an event before it is durable, so none is ever taken back. One commit is under way at a time, and takes all that has
 * come meanwhile.
 *
 * A DataNode sends an event with its beats until it hears that it is durable here. In the same commit goes how far that
 * DataNode's events have been taken, so what comes again after a restart of either is known, and written once.
 */
import {
  assert,
  type CancelTimer,
  type Clock,
  type Disk,
  type EventKind,
  eventKinds,
  type EventSeverity,
  type Log,
  type NodeId,
  QuorumError,
} from "@quorumfs/core";
import { type Event, type NoticedEvent, Severity } from "@quorumfs/proto";
import { News } from "../news.js";
import { EventRates } from "./event-rates.js";
import { EventStore, type NodeTrail, type ToldHealth } from "./event-store.js";

/** Weeks of a quiet cluster, and a few MiB. */
export const eventsKept = 10_000;

/** Waiting to be written. Beyond that DataNodes keep theirs, and come again with them. */
const pendingMax = 1000;

/** The disk hears so often that the SuperNode lives, so that its next start can say for how long it was away. */
const aliveEveryMs = 60_000;

/** What others send is cut to this: a sentence or two. */
const messageLengthMax = 1000;
const fieldsMax = 20;
const fieldLengthMax = 500;
const kindPattern = /^[a-z][a-z-]{0,30}\.[a-z][a-z-]{0,30}$/;

export interface EventLogOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
}

export interface EventDetails {
  /** The DataNode that it is about. */
  readonly node?: number;
  readonly fields?: Readonly<Record<string, string | number>>;
}

/** What the SuperNode's parts tell of. */
export type Notice = (kind: EventKind, message: string, details?: EventDetails) => void;

export class EventLog {
  /** Tells of every event that is durable by now. */
  readonly appended = new News();
  readonly #options: EventLogOptions;
  readonly #store: EventStore;
  readonly #rates = new EventRates();
  /** In order of id; all durable. */
  readonly #events: Event[];
  /** As the disk will have them when what is pending is written. */
  readonly #trails = new Map<number, NodeTrail>();
  /** By DataNode, as the disk has it. */
  readonly #durable = new Map<number, NodeTrail>();
  readonly #changedTrails = new Set<number>();
  readonly #droppedTrails = new Set<number>();
  readonly #counts = new Map<string, number>();
  #pending: Event[] = [];
  #leftOut = 0;
  #nextId: number;
  #writing: Promise<void> | undefined;
  #cancelAlive: CancelTimer | undefined;
  #cancelLeftOut: CancelTimer | undefined;
  #isClosed = false;
  /** When a SuperNode served on this store last, by the wall clock; 0: never. */
  readonly lastAliveAtMs: number;

  constructor(options: EventLogOptions) {
    this.#options = options;
    this.#store = new EventStore(options);
    const { events, trails, aliveAtMs } = this.#store.read();
    this.#events = [...events];
    for (const trail of trails) {
      this.#trails.set(trail.node, trail);
      this.#durable.set(trail.node, trail);
    }
    this.#nextId = (this.#events.at(-1)?.id ?? 0) + 1;
    this.lastAliveAtMs = aliveAtMs;
    this.#armAlive();
  }

  /** Of the newest event; 0: there is none. */
  get newestId(): number {
    return this.#events.at(-1)?.id ?? 0;
  }

  get size(): number {
    return this.#events.length;
  }

  /** How many were written of each kind since the start. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** How many were not written since the start, since too many were like them. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** Something has happened that the SuperNode knows of by itself. */
  notice(kind: EventKind, message: string, { node = 0, fields = {} }: EventDetails = {}): void {
    const texts = new Map(Object.entries(fields).map(([name, value]) => [name, String(value)]));
    const severity = severityToWire[eventKinds[kind].severity];
    this.#append({ id: 0, atMs: this.#options.clock.wallMs(), kind, severity, node, message, fields: texts });
  }

  /**
   * Takes what a DataNode noticed in this run of its; what was taken before is left out.
   *
   * @returns resolves when what was taken is durable; undefined: there was nothing new
   */
  take(node: NodeId, incarnation: number, noticed: readonly NoticedEvent[]): Promise<void> | undefined {
    const before = this.#trailOf(node);
    for (const event of noticed) {
      const trail = this.#trailOf(node);
      const through = trail.incarnation === incarnation ? trail.through : 0;
      if (event.sequence <= through) continue;
      if (this.#pending.length >= pendingMax) break;
      this.#leaveTrail({ ...trail, incarnation, through: event.sequence });
      const wellFormed = kindPattern.test(event.kind);
      // Before the first one that was taken nobody knows what there was.
      const missed = through === 0 ? 0 : event.sequence - through - 1;
      if (wellFormed) this.#append(fromNode(node, event, missed));
      else this.#options.log.warn("events.malformed", { node, sequence: event.sequence });
    }
    if (this.#trailOf(node) === before) return undefined;
    this.#flush();
    return this.#writing;
  }

  /** The DataNode's events of this run are durable up to this number. */
  through(node: NodeId, incarnation: number): number {
    const trail = this.#durable.get(node);
    return trail?.incarnation === incarnation ? trail.through : 0;
  }

  /** What people were told last of a DataNode's health. */
  toldHealth(node: NodeId): ToldHealth {
    return this.#trailOf(node).health;
  }

  /** Goes with the event that tells it. */
  tellHealth(node: NodeId, health: ToldHealth): void {
    this.#leaveTrail({ ...this.#trailOf(node), health });
    this.#flush();
  }

  /** The DataNode is no member any more, and its number is not given again. */
  forget(node: NodeId): void {
    this.#trails.delete(node);
    this.#changedTrails.delete(node);
    this.#droppedTrails.add(node);
    this.#flush();
  }

  /** Newest first. @param beforeId 0: from the newest on */
  list(options: { readonly wanted: (event: Event) => boolean; readonly beforeId: number; readonly limit: number }): {
    readonly events: Event[];
    readonly more: boolean;
  } {
    const { wanted, beforeId, limit } = options;
    const events: Event[] = [];
    const end = beforeId === 0 ? this.#events.length : this.#indexAfter(beforeId - 1);
    for (let index = end - 1; index >= 0; index -= 1) {
      const event = this.#events[index];
      if (!event || !wanted(event)) continue;
      if (events.length === limit) return { events, more: true };
      events.push(event);
    }
    return { events, more: false };
  }

  /** In order; with the id that was looked through up to. */
  after(
    id: number,
    options: { readonly wanted: (event: Event) => boolean; readonly limit: number },
  ): { readonly events: Event[]; readonly through: number } {
    const { wanted, limit } = options;
    const events: Event[] = [];
    let through = id;
    for (let index = this.#indexAfter(id); index < this.#events.length && events.length < limit; index += 1) {
      const event = this.#events[index];
      if (!event) break;
      through = event.id;
      if (wanted(event)) events.push(event);
    }
    return { events, through };
  }

  /** Writes what was noticed. Idempotent. */
  async close(): Promise<void> {
    if (!this.#isClosed) this.#flush(true);
    this.#isClosed = true;
    this.#cancelAlive?.();
    this.#cancelLeftOut?.();
    await this.#writing;
  }

  #append(event: Event): void {
    if (this.#isClosed) return;
    const { clock } = this.#options;
    const { admitted, leftOut } = this.#rates.admit(event, clock.nowMs(), this.#pending.length < pendingMax);
    if (!admitted) {
      this.#leftOut += 1;
      this.#armLeftOut();
      return;
    }
    if (leftOut > 0) event.fields.set("left_out", String(leftOut));
    this.#write(event);
  }

  #write(event: Event): void {
    const { id, ...rest } = event;
    assert(id === 0, "an event gets its number once");
    this.#pending.push({ id: this.#nextId, ...rest });
    this.#nextId += 1;
    this.#counts.set(event.kind, (this.#counts.get(event.kind) ?? 0) + 1);
    this.#flush();
  }

  #trailOf(node: number): NodeTrail {
    const known = this.#trails.get(node);
    if (known) return known;
    const trail: NodeTrail = { node, incarnation: 0, through: 0, health: "up" };
    this.#trails.set(node, trail);
    return trail;
  }

  #leaveTrail(trail: NodeTrail): void {
    this.#trails.set(trail.node, trail);
    this.#changedTrails.add(trail.node);
    this.#droppedTrails.delete(trail.node);
  }

  /** Index of the first event with a higher id. */
  #indexAfter(id: number): number {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle]?.id ?? Infinity) <= id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #flush(force = false): void {
    const hasNews = this.#pending.length > 0 || this.#changedTrails.size > 0 || this.#droppedTrails.size > 0;
    if (this.#writing || this.#isClosed || (!hasNews && !force)) return;
    // What is noticed in one turn of the event loop goes with one commit.
    const turn = new Promise<void>((resolve) => this.#options.clock.endOfTurn(resolve));
    this.#writing = turn.then(() => this.#writeAll());
  }

  async #writeAll(): Promise<void> {
    const { clock, log } = this.#options;
    do {
      const events = this.#pending;
      const trails = [...this.#changedTrails].flatMap((node) => this.#trails.get(node) ?? []);
      const droppedTrails = [...this.#droppedTrails];
      const excess = Math.max(0, this.#events.length + events.length - eventsKept);
      const dropped = this.#events.slice(0, excess).map(({ id }) => id);
      this.#pending = [];
      this.#changedTrails.clear();
      this.#droppedTrails.clear();
      try {
        await this.#store.commit({ events, dropped, trails, droppedTrails, aliveAtMs: clock.wallMs() });
      } catch (thrown) {
        // The disk takes nothing any more, and whoever watches it ends this SuperNode.
        this.#isClosed = true;
        this.#writing = undefined;
        log.error("events.lost", { events: events.length, reason: QuorumError.from(thrown).message });
        return;
      }
      this.#events.splice(0, excess);
      this.#events.push(...events);
      for (const trail of trails) this.#durable.set(trail.node, trail);
      for (const node of droppedTrails) this.#durable.delete(node);
      if (events.length > 0) this.appended.announce();
    } while (this.#pending.length > 0 || this.#changedTrails.size > 0 || this.#droppedTrails.size > 0);
    // At once: what is noticed from now on begins the next one.
    this.#writing = undefined;
  }

  #armAlive(): void {
    this.#cancelAlive = this.#options.clock.after(aliveEveryMs, () => {
      this.#flush(true);
      this.#armAlive();
    });
  }

  #armLeftOut(): void {
    const { clock } = this.#options;
    const dueMs = this.#rates.nextDueMs();
    if (this.#cancelLeftOut || dueMs === undefined) return;
    this.#cancelLeftOut = clock.after(Math.max(1, dueMs - clock.nowMs()), () => {
      this.#cancelLeftOut = undefined;
      for (const { kind, node, count } of this.#rates.due(clock.nowMs())) {
        const message = `${count} more of these came, and were left out`;
        const fields = new Map([["left_out", String(count)]]);
        this.#write({ id: 0, atMs: clock.wallMs(), kind, severity: Severity.SEVERITY_INFO, node, message, fields });
      }
      this.#armLeftOut();
    });
  }
}

/** @param missed how many events of this node before it were too many to keep */
function fromNode(node: NodeId, event: NoticedEvent, missed: number): Event {
  const { atMs, kind, severity, message, fields } = event;
  return {
    id: 0,
    atMs,
    kind,
    severity: severity === Severity.UNRECOGNIZED ? Severity.SEVERITY_WARNING : severity,
    node,
    message: message.slice(0, messageLengthMax),
    fields: new Map([
      ...[...fields]
        .slice(0, fieldsMax)
        .map(([name, value]) => [name.slice(0, fieldLengthMax), value.slice(0, fieldLengthMax)] as const),
      ...(missed > 0 ? [["missed_before", String(missed)] as const] : []),
    ]),
  };
}

const severityToWire: Readonly<Record<EventSeverity, Severity>> = {
  info: Severity.SEVERITY_INFO,
  warning: Severity.SEVERITY_WARNING,
  error: Severity.SEVERITY_ERROR,
};
