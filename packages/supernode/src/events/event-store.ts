/** Events on the SuperNode's disk, and with each commit what makes sure that none is written twice. */
import { type Disk, type Log, QuorumError, type Table, type TableWrite } from "@quorumfs/core";
import { Event } from "@quorumfs/proto";
import { SealedTable } from "@quorumfs/runtime";
import { StoredRow } from "../cluster/stored-row.js";

/** What was written of a DataNode. */
export interface NodeTrail {
  readonly node: number;
  /** Its run, and how many of that run's events were taken: those up to this number. */
  readonly incarnation: number;
  readonly through: number;
  /** What people were told of its health last. */
  readonly health: ToldHealth;
}

export const toldHealths = ["up", "suspect", "down"] as const;
export type ToldHealth = (typeof toldHealths)[number];

export interface StoredEvents {
  /** In order of id. */
  readonly events: readonly Event[];
  readonly trails: readonly NodeTrail[];
  /** When the SuperNode is known to have served last, by the wall clock; 0: never. */
  readonly aliveAtMs: number;
}

export interface EventCommit {
  readonly events: readonly Event[];
  /** Ids of events that are forgotten. */
  readonly dropped: readonly number[];
  readonly trails: readonly NodeTrail[];
  /** Numbers of DataNodes that are members no more. */
  readonly droppedTrails: readonly number[];
  readonly aliveAtMs: number;
}

const aliveKey = Buffer.from("alive");
const firstKey = new Uint8Array(1);

export class EventStore {
  readonly #disk: Disk;
  readonly #log: Log;
  readonly #eventRows: Table;
  readonly #trailRows: Table;
  readonly #events: SealedTable;
  readonly #trails: SealedTable;
  readonly #meta: SealedTable;

  constructor(options: { readonly disk: Disk; readonly log: Log }) {
    const { disk, log } = options;
    this.#disk = disk;
    this.#log = log;
    this.#eventRows = disk.table("events");
    this.#trailRows = disk.table("event-trails");
    this.#events = new SealedTable(this.#eventRows);
    this.#trails = new SealedTable(this.#trailRows);
    this.#meta = new SealedTable(disk.table("event-meta"));
  }

  /** What can be read: a damaged event is no reason not to serve. */
  read(): StoredEvents {
    const alive = this.#rowOf(this.#meta, aliveKey);
    return {
      events: this.#rowsOf(this.#eventRows, this.#events).map((row) => Event.decode(row)),
      trails: this.#rowsOf(this.#trailRows, this.#trails).map(decodeTrail),
      aliveAtMs: alive ? new StoredRow("the SuperNode's last sign of life", alive).count("aliveAtMs") : 0,
    };
  }

  /** Resolves when it is durable. */
  async commit({ events, dropped, trails, droppedTrails, aliveAtMs }: EventCommit): Promise<void> {
    const writes: TableWrite[] = [
      ...events.map((event) => this.#events.write(idKey(event.id), Event.encode(event).finish())),
      ...dropped.map((id) => this.#events.write(idKey(id), undefined)),
      ...trails.map((trail) => this.#trails.write(idKey(trail.node), encodeTrail(trail))),
      ...droppedTrails.map((node) => this.#trails.write(idKey(node), undefined)),
      this.#meta.write(aliveKey, Buffer.from(JSON.stringify({ aliveAtMs }))),
    ];
    await this.#disk.commit(writes);
  }

  #rowsOf(rows: Table, sealed: SealedTable): readonly Uint8Array[] {
    const keys = [...rows.range({ start: firstKey })].map(({ key }) => Buffer.from(key));
    return keys.flatMap((key) => this.#rowOf(sealed, key) ?? []);
  }

  #rowOf(sealed: SealedTable, key: Uint8Array): Uint8Array | undefined {
    try {
      return sealed.get(key);
    } catch (thrown) {
      this.#log.warn("events.row-damaged", { reason: QuorumError.from(thrown).message });
      return undefined;
    }
  }
}

function encodeTrail(trail: NodeTrail): Uint8Array {
  return Buffer.from(JSON.stringify(trail));
}

function decodeTrail(bytes: Uint8Array): NodeTrail {
  const row = new StoredRow("the trail of a DataNode's events", bytes);
  return {
    node: row.count("node"),
    incarnation: row.count("incarnation"),
    through: row.count("through"),
    health: row.oneOf("health", toldHealths),
  };
}

/** Big-endian, so that a scan comes in order of id. */
function idKey(id: number): Uint8Array {
  const key = Buffer.alloc(8);
  key.writeBigUInt64BE(BigInt(id));
  return key;
}
