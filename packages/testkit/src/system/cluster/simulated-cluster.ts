import { connect, type QuorumFs } from "@quorumfs/client";
import { type DataNode, type DataNodeConfig, dataNodeConfig, isStoreUseless, startDataNode } from "@quorumfs/datanode";
import { startSuperNode, type SuperNode, type SuperNodeConfig, superNodeConfig } from "@quorumfs/supernode";
import type { Prng } from "../../simulation/prng.js";
import { SimulatedNetwork } from "../network/simulated-network.js";
import { SimulatedContentFiles } from "../storage/simulated-content-files.js";
import { SimulatedDisk } from "../storage/simulated-disk.js";
import { Machine } from "../world/machine.js";
import { LogBook } from "../world/simulated-log.js";
import { SimulatedProcess } from "../world/simulated-process.js";
import type { World } from "../world/world.js";
import { SimulatedServer } from "./simulated-server.js";

const superNodePort = 7000;
const dataNodePort = 7001;

export interface ClusterOptions {
  readonly world: World;
  readonly nodes: number;
  readonly superNode: Partial<SuperNodeConfig>;
  readonly dataNode: Partial<DataNodeConfig>;
}

/** A whole cluster on virtual time: the production SuperNode and DataNodes, each on a machine of its own, and clients. */
export class SimulatedCluster {
  readonly world: World;
  readonly network: SimulatedNetwork;
  readonly logs = new LogBook();
  readonly superNode: SimulatedServer<SuperNode>;
  readonly dataNodes: SimulatedServer<DataNode>[] = [];
  readonly #options: ClusterOptions;
  readonly #random: Prng;
  #clients = 0;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.world = options.world;
    this.#random = options.world.random.fork();
    this.network = new SimulatedNetwork(options.world);
    this.superNode = this.#addSuperNode();
    for (let index = 0; index < options.nodes; index += 1) this.addDataNode();
  }

  get machines(): readonly Machine[] {
    return [this.superNode.machine, ...this.dataNodes.map(({ machine }) => machine)];
  }

  /** Starts all servers; resolves when all serve. */
  async start(): Promise<void> {
    await this.superNode.start();
    await Promise.all(this.dataNodes.map((node) => node.start()));
  }

  /** One more machine with an empty disk; not started yet. */
  addDataNode(): SimulatedServer<DataNode> {
    const { world, network, logs } = this;
    const machine = this.#machine(`node${this.dataNodes.length + 1}`);
    const server = new SimulatedServer<DataNode>({
      surroundings: { world, network, logs },
      machine,
      isStoreUseless,
      program: ({ process, volume, onFatal, onLeft }) =>
        startDataNode({
          config: dataNodeConfig({
            host: machine.name,
            port: dataNodePort,
            supernode: `${this.superNode.machine.name}:${superNodePort}`,
            capacityBytes: 2 ** 30,
            ...this.#options.dataNode,
          }),
          network: network.of(process),
          disk: new SimulatedDisk({ volume, process }),
          content: new SimulatedContentFiles({ volume, process }),
          clock: process.clock,
          random: process.random,
          probe: { sample: () => ({ eventLoopDelayMs: 1, cpuFraction: 0.1, residentBytes: 2 ** 26 }) },
          log: logs.of(process),
          version: "simulated",
          onFatal,
          onLeft,
        }),
    });
    this.dataNodes.push(server);
    return server;
  }

  /** A client on a machine of its own. @param onProcess told of its process before it connects */
  async connect(
    onProcess: (process: SimulatedProcess) => void = () => undefined,
  ): Promise<{ readonly client: QuorumFs; readonly process: SimulatedProcess }> {
    this.#clients += 1;
    const machine = this.#machine(`client${this.#clients}`);
    this.network.addMachine(machine);
    const process = new SimulatedProcess({ name: machine.name, machine, world: this.world });
    onProcess(process);
    const client = await connect({
      endpoints: [`${this.superNode.machine.name}:${superNodePort}`],
      network: this.network.of(process),
      clock: process.clock,
      random: process.random,
      log: this.logs.of(process),
      timeoutMs: 60_000,
    });
    return { client, process };
  }

  #addSuperNode(): SimulatedServer<SuperNode> {
    const { world, network, logs } = this;
    const machine = this.#machine("super");
    return new SimulatedServer<SuperNode>({
      surroundings: { world, network, logs },
      machine,
      program: ({ process, volume, onFatal }) =>
        startSuperNode({
          config: superNodeConfig({ host: machine.name, port: superNodePort, ...this.#options.superNode }),
          network: network.of(process),
          disk: new SimulatedDisk({ volume, process }),
          clock: process.clock,
          random: process.random,
          log: logs.of(process),
          version: "simulated",
          onFatal,
        }),
    });
  }

  #machine(name: string): Machine {
    return new Machine({ name, world: this.world, turnMs: this.#random.pick([0, 0.01, 0.05]) });
  }
}
