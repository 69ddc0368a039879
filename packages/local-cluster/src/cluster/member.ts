/** One member of a cluster in this process: a SuperNode or DataNode that can be stopped, killed and started again. */
import { join } from "node:path";
import {
  type Clock,
  type ContentFiles,
  type Disk,
  type Log,
  type Network,
  QuorumError,
  type Random,
} from "@quorumfs/core";
import { isStoreUseless } from "@quorumfs/datanode";
import { type ProcessProbe, openContentFiles, openLmdbDisk, processProbe, setStoreAside } from "@quorumfs/runtime";
import { FaultyNetwork } from "../faults/faulty-network.js";
import type { FaultTable } from "../faults/fault-table.js";
import { type Party, partyName } from "../faults/party.js";
import { poweredClock, poweredContentFiles, poweredDisk } from "../faults/powered-ports.js";
import { Power } from "../faults/power.js";

/** What all members share. */
export interface Surroundings {
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly faults: FaultTable;
  readonly parties: Map<string, Party>;
}

/** What a member's service is started with. */
export interface ServicePorts {
  readonly network: Network;
  readonly disk: Disk;
  /** Opens the member's content files, once, where the binary has them; the member closes them. */
  readonly openContent: () => ContentFiles;
  readonly clock: Clock;
  readonly random: Random;
  readonly probe: ProcessProbe;
  readonly log: Log;
  /** Aborted when the start is not wanted any more. */
  readonly signal: AbortSignal;
  /** The service says that it cannot go on. */
  readonly onFatal: (error: QuorumError) => void;
  /** The service has done what it was there for. */
  readonly onLeft: () => void;
}

export interface MemberOptions {
  readonly party: Party;
  /** `host:port`, the same at every start. */
  readonly address: string;
  readonly directory: string;
  /** Below `directory`; where the binary of the service has its store, too, so that one finds what the other left. */
  readonly store: "control" | "records";
  readonly surroundings: Surroundings;
  readonly start: (ports: ServicePorts) => Promise<Service>;
}

/** A SuperNode or a DataNode that serves. */
interface Service {
  /** Of a DataNode: its number in the cluster. */
  readonly nodeId?: number;
  close(): Promise<void>;
}

// A new store has no past to be refused for.
const setAsideMax = 3;

interface Running {
  readonly power: Power;
  readonly network: FaultyNetwork;
  readonly disk: Disk;
  readonly content: ContentFiles | undefined;
  readonly probe: ProcessProbe;
  readonly service: Service;
}

export class Member {
  readonly party: Party;
  readonly address: string;
  readonly directory: string;
  readonly #options: MemberOptions;
  #running: Running | undefined;
  /** Gives up a start that is under way. */
  #starting = new AbortController();
  #failure: QuorumError | undefined;
  /** Starts and stops wait for each other. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: MemberOptions) {
    this.#options = options;
    this.party = options.party;
    this.address = options.address;
    this.directory = options.directory;
  }

  get running(): boolean {
    return this.#running !== undefined;
  }

  /** The number under which its cluster knows it; undefined while it does not run. */
  get nodeId(): number | undefined {
    return this.#running?.service.nodeId;
  }

  /** Why it has ended by itself. */
  get failure(): QuorumError | undefined {
    return this.#failure;
  }

  /** Does nothing while it runs. */
  start(): Promise<void> {
    return this.#inTurn(async () => {
      this.#running ??= await this.#bootOnAnyStore();
    });
  }

  /** In order: what is under way is finished, connections are closed, the disk is closed. */
  stop(): Promise<void> {
    this.#starting.abort();
    return this.#inTurn(async () => {
      const running = this.#takeRunning();
      if (!running) return;
      await running.service.close();
      running.power.cut();
      await release(running);
    });
  }

  /**
   * As by kill -9: from the moment of the call no message leaves the member and none of its timers fires. What it had
   * given to the operating system may reach the disk. Resolves when its port and its disk are free again.
   */
  kill(): Promise<void> {
    this.#starting.abort();
    this.#running?.power.cut();
    return this.#inTurn(async () => {
      const running = this.#takeRunning();
      if (!running) return;
      running.power.cut();
      await release(running);
    });
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(action);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  #takeRunning(): Running | undefined {
    const running = this.#running;
    this.#running = undefined;
    return running;
  }

  /** As the binary does: a store that is of no use any more is set aside, and a new node starts in its place. */
  async #bootOnAnyStore(): Promise<Running> {
    const { directory, store, surroundings } = this.#options;
    for (let setAside = 0; ; setAside += 1) {
      try {
        return await this.#boot();
      } catch (error) {
        if (!isStoreUseless(error) || setAside === setAsideMax) throw error;
        const to = setStoreAside({ dataDirectory: directory, store }).directory;
        surroundings.log.error("member.store-set-aside", { member: partyName(this.party), to });
      }
    }
  }

  /** Its store is at fault: started again it tells whether that can be set aside. */
  async #reboot(): Promise<void> {
    const running = this.#takeRunning();
    if (!running) return;
    running.power.cut();
    await release(running);
    try {
      this.#running = await this.#bootOnAnyStore();
    } catch (error) {
      this.#failure = QuorumError.from(error);
    }
  }

  async #boot(): Promise<Running> {
    const { party, directory, store, surroundings, start } = this.#options;
    const { clock, random, faults, parties } = surroundings;
    const power = new Power();
    this.#starting = new AbortController();
    this.#failure = undefined;
    const network = new FaultyNetwork({ inner: surroundings.network, self: party, parties, faults, clock, power });
    const log = surroundings.log.child({ member: partyName(party) });
    const disk = openLmdbDisk({ directory: join(directory, store), log });
    const probe = processProbe();
    let content: ContentFiles | undefined;
    try {
      const service = await start({
        network,
        disk: poweredDisk(disk, power),
        openContent: () => {
          content = openContentFiles({ directory: join(directory, "chunks") });
          return poweredContentFiles(content, power);
        },
        clock: poweredClock(clock, power),
        random,
        probe,
        log,
        signal: this.#starting.signal,
        onFatal: (error) => {
          log.error("member.failed", { error });
          if (error.details.storeFault !== undefined) void this.#inTurn(() => this.#reboot());
          else {
            this.#failure = error;
            void this.kill();
          }
        },
        onLeft: () => void this.stop(),
      });
      return { power, network, disk, content, probe, service };
    } catch (error) {
      power.cut();
      await release({ network, disk, content, probe });
      const cause = QuorumError.from(error);
      throw new QuorumError({
        code: cause.code,
        message: `${partyName(party)} did not start: ${cause.message}`,
        details: cause.details,
        cause,
      });
    }
  }
}

async function release(running: Pick<Running, "network" | "disk" | "content" | "probe">): Promise<void> {
  await running.network.released();
  running.probe.close();
  await running.content?.close();
  await running.disk.close();
}
