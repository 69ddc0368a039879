import type { Coverage } from "../../simulation/coverage.js";
import { type QuorumFs } from "@quorumfs/client";
import { QuorumError } from "@quorumfs/core";
import { Prng } from "../../simulation/prng.js";
import type { SimulatedCluster } from "../cluster/simulated-cluster.js";
import type { SimulatedServer } from "../cluster/simulated-server.js";
import type { Fault } from "../plan/faults.js";
import type { Machine } from "../world/machine.js";

type AnyServer = SimulatedServer<{ close(): Promise<void> }>;

export interface FaultRunnerOptions {
  readonly cluster: SimulatedCluster;
  readonly coverage: Coverage;
  readonly seed: number;
  /** Who changes the layout. */
  readonly admin: QuorumFs;
  readonly clients: () => readonly Machine[];
  readonly killClient: (index: number) => void;
}

const usualSyncMs = { min: 0.05, max: 2 };

/** Does to a cluster what a plan says, when it says so, and puts it right. */
export class FaultRunner {
  readonly #options: FaultRunnerOptions;
  readonly #random: Prng;

  constructor(options: FaultRunnerOptions) {
    this.#options = options;
    this.#random = new Prng(options.seed * 2);
  }

  /** Resolves when all faults have begun, and most of them have been put right. */
  async run(faults: readonly Fault[]): Promise<void> {
    await Promise.all(faults.map((fault) => this.#inject(fault)));
  }

  /** Puts everything right that can be put right. */
  heal(): void {
    const { cluster } = this.#options;
    const machines = [...cluster.machines, ...this.#options.clients()];
    for (const from of machines) {
      from.slowMs = 0;
      for (const to of machines) cluster.network.links.heal(from, to);
    }
    for (const server of this.#servers) {
      server.release();
      server.resume();
      server.volume.syncMs = usualSyncMs;
      server.volume.failsNext = false;
      server.volume.isFull = false;
    }
  }

  get #servers(): readonly AnyServer[] {
    const { cluster } = this.#options;
    return [cluster.superNode, ...cluster.dataNodes];
  }

  #server(index: number): AnyServer {
    const { cluster } = this.#options;
    return cluster.dataNodes[index] ?? cluster.superNode;
  }

  async #inject(fault: Fault): Promise<void> {
    const { cluster, coverage } = this.#options;
    const { world, network } = cluster;
    await world.sleep(fault.atMs);
    coverage.count(`fault: ${fault.kind}`);
    const { forMs } = fault;
    switch (fault.kind) {
      case "kill":
      case "power": {
        const server = this.#server(fault.server);
        server.hold(forMs);
        server.kill(fault.kind === "kill" ? "killed" : "power");
        break;
      }
      case "restart":
        await this.#server(fault.server).stop();
        break;
      case "pause": {
        const server = this.#server(fault.server);
        server.pause();
        await world.sleep(forMs);
        server.resume();
        break;
      }
      case "slow": {
        const { machine } = this.#server(fault.server);
        world.say(() => `${machine.name} is slow to reach`);
        machine.slowMs = fault.delayMs;
        await world.sleep(forMs);
        machine.slowMs = 0;
        break;
      }
      case "clock": {
        const { machine } = this.#server(fault.server);
        world.say(() => `the clock of ${machine.name} jumps by ${fault.byMs} ms`);
        machine.jump(fault.byMs);
        break;
      }
      case "slow disk": {
        const { volume, machine } = this.#server(fault.server);
        world.say(() => `the disk of ${machine.name} is slow`);
        volume.syncMs = { min: fault.syncMs / 4, max: fault.syncMs };
        await world.sleep(forMs);
        volume.syncMs = usualSyncMs;
        break;
      }
      case "failed fsync": {
        const { volume, machine } = this.#server(fault.server);
        world.say(() => `the next fsync of ${machine.name} fails`);
        volume.failsNext = true;
        break;
      }
      case "full disk": {
        const { volume, machine } = this.#server(fault.server);
        world.say(() => `the disk of ${machine.name} is full`);
        volume.isFull = true;
        await world.sleep(forMs);
        volume.isFull = false;
        break;
      }
      case "bit flips":
        await this.#flip(fault);
        break;
      case "blackout":
        for (const server of this.#servers) {
          server.hold(forMs * this.#random.fraction());
          server.kill("power");
        }
        break;
      case "partition": {
        const inside = fault.servers.map((index) => this.#server(index).machine);
        const all = [...cluster.machines, ...this.#options.clients()];
        // The first client stays with those that are cut off.
        const [first] = this.#options.clients();
        if (first) inside.push(first);
        const outside = all.filter((machine) => !inside.includes(machine));
        world.say(() => `${inside.map(({ name }) => name).join(", ")} are cut off`);
        const pairs = inside.flatMap((one) => outside.map((other) => [one, other] as const));
        for (const [one, other] of pairs) {
          network.links.block(one, other);
          network.links.block(other, one);
        }
        await world.sleep(forMs);
        world.say(() => `${inside.map(({ name }) => name).join(", ")} are reached again`);
        for (const [one, other] of pairs) {
          network.links.heal(one, other);
          network.links.heal(other, one);
        }
        break;
      }
      case "one-way": {
        const { machine } = this.#server(fault.server);
        const peers = fault.peers.map((index) => this.#server(index).machine);
        const ways = peers.map((peer) =>
          fault.lost === "sent" ? ([machine, peer] as const) : ([peer, machine] as const),
        );
        world.say(() => `one-way: ${ways.map(([from, to]) => `${from.name} to ${to.name}`).join(", ")}`);
        for (const [from, to] of ways) network.links.block(from, to);
        await world.sleep(forMs);
        for (const [from, to] of ways) network.links.heal(from, to);
        break;
      }
      case "broken connections":
        for (let count = 0; count < fault.count; count += 1) {
          network.breakAny();
          await world.sleep(forMs / fault.count);
        }
        break;
      case "add node":
        await this.#join();
        await this.#change("add node", () => this.#options.admin.layout.apply([], { timeoutMs: 10_000 }));
        break;
      case "drain": {
        const node = cluster.dataNodes[fault.server]?.running?.nodeId;
        if (node === undefined) break;
        await this.#change("drain", () => this.#options.admin.layout.drain(node, { timeoutMs: 10_000 }));
        await world.sleep(forMs);
        await this.#change("activate", () => this.#options.admin.layout.activate(node, { timeoutMs: 10_000 }));
        break;
      }
      case "remove": {
        const node = cluster.dataNodes[fault.server]?.running?.nodeId;
        if (node === undefined) break;
        await this.#change("remove", () => this.#options.admin.layout.remove(node, { timeoutMs: 10_000 }));
        break;
      }
      case "replace": {
        const node = cluster.dataNodes[fault.server]?.running?.nodeId;
        if (node === undefined) break;
        const other = await this.#join();
        await this.#change("replace", () => this.#options.admin.layout.replace(node, other, { timeoutMs: 10_000 }));
        break;
      }
      case "stop change":
        await this.#change("stop change", () => this.#options.admin.layout.stop({ timeoutMs: 10_000 }));
        break;
      case "lost disk": {
        const server = this.#server(fault.server);
        server.hold(forMs);
        server.kill("power");
        world.say(() => `the disk of ${server.machine.name} is lost`);
        server.volume.lose();
        break;
      }
      case "old disk": {
        const server = this.#server(fault.server);
        const snapshot = server.volume.snapshot();
        await world.sleep(forMs);
        server.kill("power");
        world.say(() => `the disk of ${server.machine.name} is as it was ${forMs} ms ago`);
        server.volume.restore(snapshot);
        break;
      }
      case "client dies":
        this.#options.killClient(fault.client);
        break;
    }
  }

  /** Tells the SuperNode to change the layout, for a while if it is away. */
  async #change(kind: string, change: () => Promise<unknown>): Promise<void> {
    const { coverage } = this.#options;
    try {
      await change();
      coverage.count(`change: ${kind}: accepted`);
    } catch (thrown) {
      const error = QuorumError.from(thrown);
      if (error.code === "internal") throw error;
      coverage.count(`change: ${kind}: ${error.code}`);
    }
  }

  /** One more machine, when it has joined. */
  async #join(): Promise<number> {
    const { cluster } = this.#options;
    const server = cluster.addDataNode();
    cluster.world.say(() => `${server.machine.name} is new`);
    void server.supervise();
    while (!server.running) await cluster.world.sleep(100);
    return server.running.nodeId;
  }

  async #flip(fault: Extract<Fault, { kind: "bit flips" }>): Promise<void> {
    const { cluster, coverage } = this.#options;
    const { world } = cluster;
    const { volume, machine } = this.#server(fault.server);
    for (let count = 0; count < fault.flips; count += 1) {
      const where = fault.what === "chunks" ? volume.flipFile() : volume.flipRow(isRecordTable);
      if (where !== undefined) coverage.count(`flipped: ${fault.what === "chunks" ? "file" : where}`);
      world.say(() => `a bit of ${machine.name} flips in ${where ?? "nothing"}`);
      await world.sleep(fault.forMs / fault.flips);
    }
  }
}

/** Of what every copy stands on several nodes. */
function isRecordTable(name: string): boolean {
  return name === "records" || name === "promises" || name === "contents";
}
