import { type Network, QuorumError } from "@quorumfs/core";
import { type Cluster, type GetMemoryResponse, MaintenanceServiceService } from "@quorumfs/proto";

/** What one DataNode remembers of its cluster. */
export interface Memory {
  readonly address: string;
  readonly node: number;
  readonly storeId: Uint8Array;
  readonly incarnation: number;
  readonly cluster: Cluster;
}

/** A DataNode that is up answers at once; one that does not is left out. */
const timeoutMs = 5000;

/**
 * Asks DataNodes what they remember.
 *
 * @throws QuorumError `unavailable` if one of them does not answer: whoever names it counts on it
 */
export async function askMemories(
  network: Network,
  addresses: readonly string[],
  version: string,
): Promise<readonly Memory[]> {
  return Promise.all([...new Set(addresses)].map((address) => ask(network, address, version)));
}

async function ask(network: Network, address: string, version: string): Promise<Memory> {
  const channel = network.connect({ address, purpose: "control", identity: new Map([["quorumfs-version", version]]) });
  try {
    return memoryOf(address, await channel.unary(MaintenanceServiceService.getMemory, {}, { timeoutMs }));
  } catch (cause) {
    const { message } = QuorumError.from(cause);
    throw new QuorumError({
      code: "unavailable",
      message: `the DataNode at ${address} did not tell what it remembers (${message}); start it, or leave it out of --reseed-from`,
      cause,
    });
  } finally {
    channel.close();
  }
}

function memoryOf(address: string, { clusterId, nodeId, storeId, incarnation, cluster }: GetMemoryResponse): Memory {
  if (!cluster || clusterId === "" || cluster.clusterId !== clusterId || nodeId === 0) {
    throw new QuorumError({ code: "corrupt", message: "it remembers no cluster" });
  }
  return { address, node: nodeId, storeId, incarnation, cluster };
}
