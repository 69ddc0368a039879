/** The cluster under test: a SuperNode and DataNodes as processes of their own, each behind a proxy that is its network. */
import { join } from "node:path";
import { connect, type QuorumFs } from "@quorumfs/client";
import { type Clock, QuorumError, type Random } from "@quorumfs/core";
import {
  binaryScript,
  copyDirectory,
  describeExit,
  type Exit,
  freePorts,
  type Party,
  partyName,
  ProcessMember,
  removeDirectory,
} from "@quorumfs/local-cluster";
import { type Connection, ConnectingProcesses } from "../adapters/connecting-process.js";
import { LinkProxy } from "../adapters/link-proxy.js";
import { mountVolume, unmountVolume } from "../adapters/volumes.js";
import type { Watchdog } from "../adapters/watchdog.js";
import type { BedNode } from "./bed-node.js";
import { Links } from "./links.js";

const host = "127.0.0.1";

/** Room for what a run writes several times over, and little enough to be filled in a moment. */
const volumeBytes = 512 * 2 ** 20;

/** A process that ended by itself comes back after this, as a service manager would bring it back. */
const restartDelayMs = 500;

export interface TestBedOptions {
  /** DataNodes at first. */
  readonly nodes: number;
  /** N. */
  readonly replicas: number;
  readonly zones: readonly string[];
  readonly dataDir: string;
  /** Every DataNode has a small volume of its own. */
  readonly volumes: boolean;
  /** How long an upload is kept that nobody goes on with: `40s`. */
  readonly uploadLease: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly watchdog: Watchdog;
  /** Processes of clients, whose connections count as those of "client". */
  readonly clientPids: () => readonly number[];
  /** A process ended, and nobody had asked it to. */
  readonly onExit: (party: Party, how: string) => void;
}

export class TestBed {
  readonly links = new Links();
  readonly #options: TestBedOptions;
  readonly #nodes = new Map<Party, BedNode>();
  readonly #processes = new ConnectingProcesses(() => [...this.#parties.keys()]);
  #highest = 0;
  #closing = false;

  private constructor(options: TestBedOptions) {
    this.#options = options;
  }

  /** Resolves when every process serves. */
  static async start(options: TestBedOptions): Promise<TestBed> {
    const bed = new TestBed(options);
    try {
      await bed.#make("supernode");
      await bed.start("supernode");
      for (let id = 1; id <= options.nodes; id += 1) await bed.#make(id);
      await Promise.all(bed.dataNodes.map((party) => bed.start(party)));
      return bed;
    } catch (error) {
      await bed.close();
      throw error;
    }
  }

  get endpoints(): readonly string[] {
    return [this.node("supernode").address];
  }

  /** DataNodes, by the numbers that we gave them. */
  get dataNodes(): readonly number[] {
    return [...this.#nodes.keys()].filter((party) => typeof party === "number");
  }

  node(party: Party): BedNode {
    const node = this.#nodes.get(party);
    if (node) return node;
    throw new QuorumError({ code: "internal", message: `there is no ${partyName(party)} in the test bed` });
  }

  connect(): Promise<QuorumFs> {
    return connect({ endpoints: this.endpoints, timeoutMs: 20_000 });
  }

  /** One more DataNode, not started yet. */
  async addNode(): Promise<number> {
    const id = this.#highest + 1;
    await this.#make(id);
    return id;
  }

  /** Ends a DataNode that its cluster knows no more, and removes its data. */
  async dropNode(party: number): Promise<void> {
    const { member, proxy, hasVolume } = this.node(party);
    this.#nodes.delete(party);
    await this.#end(member, () => member.stop());
    await proxy.close();
    if (hasVolume) await this.#unmount(member.directory);
    await removeDirectory(member.directory);
  }

  /** Resolves when it serves. */
  async start(party: Party): Promise<void> {
    const { member } = this.node(party);
    if (member.running) return;
    try {
      const started = member.start();
      if (member.pid !== undefined) this.#options.watchdog.add("process", member.pid);
      await started;
    } catch (thrown) {
      const { code, message } = QuorumError.from(thrown);
      throw new QuorumError({ code, message: `${partyName(party)} did not start: ${message}`, cause: thrown });
    }
  }

  async kill(party: Party): Promise<void> {
    const { member } = this.node(party);
    await this.#end(member, () => member.kill());
  }

  async stop(party: Party): Promise<void> {
    const { member } = this.node(party);
    await this.#end(member, () => member.stop());
  }

  /** Removes all that the disk of a stopped DataNode holds. */
  async wipe(party: number): Promise<void> {
    const { member } = this.node(party);
    for (const part of ["records", "chunks"]) await removeDirectory(join(member.directory, part));
  }

  /** Copies what the disk of a stopped DataNode holds. */
  async copyOut(party: number): Promise<string> {
    const copy = join(this.#options.dataDir, `copy-of-${party}`);
    for (const part of ["records", "chunks"]) {
      await copyDirectory(join(this.node(party).member.directory, part), join(copy, part));
    }
    return copy;
  }

  async copyIn(party: number, copy: string): Promise<void> {
    for (const part of ["records", "chunks"]) {
      await copyDirectory(join(copy, part), join(this.node(party).member.directory, part));
    }
    await removeDirectory(copy);
  }

  /**
   * Ends everything. Idempotent.
   *
   * @param options.keepData what was on volumes of their own stays in `<directory>.kept`
   */
  async close({ keepData = false }: { readonly keepData?: boolean } = {}): Promise<void> {
    this.#closing = true;
    const nodes = [...this.#nodes.values()];
    this.#nodes.clear();
    // Stopping takes a server up to seconds; nothing that matters is left by now.
    await Promise.all(nodes.map(({ member }) => this.#end(member, () => member.kill())));
    await Promise.all(nodes.map(({ proxy }) => proxy.close()));
    for (const { member, hasVolume } of nodes) {
      if (!hasVolume) continue;
      if (keepData) await copyDirectory(member.directory, `${member.directory}.kept`);
      await this.#unmount(member.directory);
    }
  }

  async #end(member: ProcessMember, how: () => Promise<void>): Promise<void> {
    const { pid } = member;
    await how();
    if (pid !== undefined) this.#options.watchdog.remove("process", pid);
  }

  async #unmount(path: string): Promise<void> {
    await unmountVolume(path);
    this.#options.watchdog.remove("mount", path);
  }

  async #make(party: number | "supernode"): Promise<void> {
    const { dataDir, zones, volumes, watchdog, clock, random, replicas, nodes, uploadLease } = this.#options;
    const port = await freePorts({ host, count: 2, random });
    const address = `${host}:${port + 1}`;
    const component = party === "supernode" ? "supernode" : "datanode";
    const directory = join(dataDir, party === "supernode" ? "supernode" : `datanode-${party}`);
    const logDir = join(dataDir, "logs");
    const zone = typeof party === "number" ? zones[(party - 1) % zones.length] : undefined;
    const hasVolume = volumes && typeof party === "number";
    if (hasVolume) {
      watchdog.add("mount", directory);
      await mountVolume(directory, volumeBytes);
    }
    const own =
      typeof party === "number"
        ? [
            ...["--supernode", this.node("supernode").address, "--advertise", address],
            ...["--node-id", String(party <= nodes ? party : 0), ...(zone === undefined ? [] : ["--zone", zone])],
            // Short, so that what is to go is gone before the end of the run.
            ...["--upload-lease", uploadLease, "--retire-after", "3s", "--scrub-period", "0"],
            // A port beside its own may be that of another member, which is down just now.
            ...["--metrics-port", "off"],
          ]
        : ["--replicas", String(replicas), "--initial-nodes", String(nodes), "--console-port", "off"];
    const member = new ProcessMember({
      party,
      address: `${host}:${port}`,
      directory,
      logFile: join(logDir, `${component}-${port}.log`),
      script: binaryScript(component),
      args: [
        ...["--host", host, "--port", String(port), "--data-dir", directory, "--log-dir", logDir],
        ...[...own, "--log-level", "info", "--log-format", "none"],
      ],
      clock,
      onUnexpectedExit: (ended, exit) => this.#onExit(ended, exit),
    });
    const proxy = await LinkProxy.start({
      host,
      port: port + 1,
      targetPort: port,
      to: party,
      links: this.links,
      whoConnects: (connection) => this.#whoConnects(connection),
    });
    this.#nodes.set(party, { member, proxy, address, zone, hasVolume });
    if (typeof party === "number") this.#highest = Math.max(this.#highest, party);
  }

  async #whoConnects(connection: Connection): Promise<Party | undefined> {
    const pid = await this.#processes.find(connection);
    return pid === undefined ? undefined : this.#parties.get(pid);
  }

  /** By the ids of their processes. */
  get #parties(): ReadonlyMap<number, Party> {
    const parties = new Map<number, Party>([[process.pid, "client"]]);
    for (const pid of this.#options.clientPids()) parties.set(pid, "client");
    for (const [party, { member }] of this.#nodes) if (member.pid !== undefined) parties.set(member.pid, party);
    return parties;
  }

  #onExit(member: ProcessMember, exit: Exit): void {
    if (this.#closing || !this.#nodes.has(member.party)) return;
    this.#options.onExit(member.party, describeExit(exit));
    this.#options.clock.after(restartDelayMs, () => {
      if (this.#closing || !this.#nodes.has(member.party)) return;
      // A failure is told by the exit that comes with it, and tried again.
      this.start(member.party).catch(() => undefined);
    });
  }
}
