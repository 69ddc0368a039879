import type { LocalCluster } from "@quorumfs/local-cluster";
import { grpcNetwork } from "@quorumfs/rpc";
import { silentLog, systemClock, systemRandom } from "@quorumfs/runtime";
import { type Console, type ConsoleOptions, startConsole } from "../../src/index.js";

/** A console of its own for a cluster, on any port, with what the test wants otherwise. */
export function consoleFor(
  cluster: Pick<LocalCluster, "endpoints">,
  options: Partial<ConsoleOptions> = {},
): Promise<Console> {
  return startConsole({
    config: { port: 0 },
    endpoints: cluster.endpoints,
    network: grpcNetwork({ log: silentLog }),
    clock: systemClock(),
    random: systemRandom(),
    log: silentLog,
    version: "1.2.3",
    metrics: () => [],
    ...options,
  });
}

/** Where no SuperNode is: for what needs no cluster. */
export const nobody = { endpoints: ["127.0.0.1:1"] };
