/**
 * What this node has noticed and people should hear of, until the SuperNode says that it has it durably. An event goes with
 * every beat until then, so none is lost with a beat, a connection or a SuperNode; what was sent twice the SuperNode knows by its
 * number. They end with the process: who starts anew has other news.
 */
import { type Clock, type EventKind, eventKinds, type EventSeverity, type Log } from "@quorumfs/core";
import { type NoticedEvent, Severity } from "@quorumfs/proto";

/** An hour without a SuperNode, on a bad day; the oldest go first, and the numbers show that some are missing. */
const keptMax = 256;

/** Some KiB: a beat stays small. */
const perBeatMax = 32;

/** Told to the log as well: who has no SuperNode at hand reads there. */
export interface NoticedEventsOptions {
  readonly clock: Clock;
  readonly log: Log;
}

export type EventFields = Readonly<Record<string, string | number>>;

/** What happened before this process could tell anybody. */
export interface EarlierNews {
  readonly kind: EventKind;
  readonly message: string;
  readonly fields?: EventFields;
}

export class NoticedEvents {
  readonly #options: NoticedEventsOptions;
  readonly #kept: NoticedEvent[] = [];
  readonly #counts = new Map<EventKind, number>();
  #sequence = 0;
  #onDelivered: () => void = () => undefined;

  constructor(options: NoticedEventsOptions) {
    this.#options = options;
  }

  /** How many were noticed of each kind since the start. */
  get counts(): ReadonlyMap<EventKind, number> {
    return this.#counts;
  }

  /** Noticed, and not known to be durable at the SuperNode. */
  get undelivered(): number {
    return this.#kept.length;
  }

  notice(kind: EventKind, message: string, fields: EventFields = {}): void {
    const { clock, log } = this.#options;
    this.#sequence += 1;
    this.#kept.push({
      sequence: this.#sequence,
      atMs: clock.wallMs(),
      kind,
      severity: severityToWire[eventKinds[kind].severity],
      message,
      fields: new Map(Object.entries(fields).map(([name, value]) => [name, String(value)])),
    });
    if (this.#kept.length > keptMax) this.#kept.shift();
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    log.debug("event.noticed", { kind, message, ...fields });
  }

  /** What the next beat carries, oldest first. */
  due(): NoticedEvent[] {
    return this.#kept.slice(0, perBeatMax);
  }

  /** The SuperNode has those up to this number. @returns whether more wait for a beat */
  delivered(through: number): boolean {
    const index = this.#kept.findIndex(({ sequence }) => sequence > through);
    const done = index === -1 ? this.#kept.length : index;
    if (done === 0) return false;
    this.#kept.splice(0, done);
    if (this.#kept.length === 0) this.#onDelivered();
    return this.#kept.length > 0;
  }

  /** Resolves when everything that was noticed is delivered, or after a while. */
  async allDelivered(timeoutMs: number): Promise<void> {
    if (this.#kept.length === 0) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(timeoutMs, resolve);
      this.#onDelivered = () => {
        cancel();
        resolve();
      };
    });
  }
}

const severityToWire: Readonly<Record<EventSeverity, Severity>> = {
  info: Severity.SEVERITY_INFO,
  warning: Severity.SEVERITY_WARNING,
  error: Severity.SEVERITY_ERROR,
};
