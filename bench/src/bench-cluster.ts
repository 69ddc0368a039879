import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type QuorumFs } from "@quorumfs/client";
import { ServerProcess } from "./server-process.js";

const dataNodes = 3;
const readyTimeoutMs = 30_000;
const pollMs = 50;

export interface BenchClusterOptions {
  /** Where the directory with the data is made meanwhile; the system's temporary one if left out. */
  readonly parent?: string | undefined;
  /** Where the servers write CPU profiles when they end. */
  readonly profile?: string | undefined;
  /** What the DataNodes are told besides. */
  readonly dataNodeArgs?: readonly string[];
}

/** One SuperNode and three DataNodes, N/R/W 3/2/2, on free ports of loopback, with their data in a temporary directory. */
export class BenchCluster implements AsyncDisposable {
  readonly directory: string;
  readonly superNode: ServerProcess;
  readonly dataNodes: readonly ServerProcess[];

  private constructor(directory: string, superNode: ServerProcess, nodes: readonly ServerProcess[]) {
    this.directory = directory;
    this.superNode = superNode;
    this.dataNodes = nodes;
  }

  get servers(): readonly ServerProcess[] {
    return [this.superNode, ...this.dataNodes];
  }

  /** Resolves when it takes writes. */
  static async start({ parent = tmpdir(), profile, dataNodeArgs = [] }: BenchClusterOptions): Promise<BenchCluster> {
    const directory = await mkdtemp(join(parent, "quorumfs-bench-"));
    const started: ServerProcess[] = [];
    const start = async (name: string, binary: "supernode" | "datanode", args: readonly string[]) => {
      const own = ["--data-dir", join(directory, name), "--log-dir", join(directory, "logs"), "--log-format", "none"];
      const server = await ServerProcess.start(name, binary, ["--port", "0", ...args, ...own], profile);
      started.push(server);
      return server;
    };
    try {
      const superNode = await start("supernode", "supernode", ["--replicas", "3"]);
      const names = Array.from({ length: dataNodes }, (_, index) => `datanode-${index + 1}`);
      const nodes = await Promise.all(
        names.map((name) => start(name, "datanode", ["--supernode", superNode.address, ...dataNodeArgs])),
      );
      const cluster = new BenchCluster(directory, superNode, nodes);
      await cluster.#ready();
      return cluster;
    } catch (error) {
      await Promise.all(started.map((server) => server.stop()));
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  connect(): Promise<QuorumFs> {
    return connect({ endpoints: [this.superNode.address] });
  }

  async #ready(): Promise<void> {
    await using client = await this.connect();
    for (const deadline = Date.now() + readyTimeoutMs; ;) {
      const { ready, condition, nodes } = await client.status();
      if (ready && nodes.filter(({ state }) => state === "up").length === dataNodes) return;
      if (Date.now() > deadline) throw new Error(`the cluster is not ready: ${condition}`);
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.dataNodes.map((node) => node.stop()));
    await this.superNode.stop();
    await rm(this.directory, { recursive: true, force: true });
  }
}
