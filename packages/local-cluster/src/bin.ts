import { resolve } from "node:path";
import { logLevels, runBinary, type Running, systemClock, versionOf } from "@quorumfs/runtime";
import { temporaryDirectory } from "./adapters/temporary-directory.js";
import { checkLocalSettings, defaultDataDir, type LocalConfig } from "./processes/local-config.js";
import { overview } from "./processes/overview.js";
import { startProcessCluster } from "./processes/process-cluster.js";
import { Progress } from "./processes/progress.js";

await runBinary({
  name: "quorumfs-local",
  description: "Runs a cluster on this machine: a SuperNode and DataNodes, each a process of its own, on loopback.",
  version: versionOf(new URL("../package.json", import.meta.url)),
  settings: {
    nodes: { type: "number", default: 3, describe: "DataNodes" },
    replicas: { type: "number", describe: "DataNodes that hold a file", defaultDescription: "3, or --nodes if less" },
    port: { type: "number", default: 7000, describe: "Port of the SuperNode; DataNode i listens on this plus i" },
    host: {
      type: "string",
      default: "127.0.0.1",
      describe: "Address to listen on; keep to loopback, since nothing is encrypted",
    },
    "data-dir": {
      type: "string",
      describe: "Where data and logs are kept from start to start",
      defaultDescription: `./${defaultDataDir}`,
    },
    zones: {
      type: "string",
      default: "",
      defaultDescription: "one for all",
      describe: "Zones that the DataNodes are put into in turn, separated by commas",
    },
    ephemeral: {
      type: "boolean",
      default: false,
      describe: "Keep nothing: a temporary directory, below --data-dir if that is given, removed at the end",
    },
    "console-port": {
      type: "string",
      describe: "Port of the console, or the next free one; off for none",
      defaultDescription: "--port plus 80",
    },
    "log-level": { choices: logLevels, default: "info" as const, describe: "What the processes write to their logs" },
  },
  examples: [
    ["$0", "three DataNodes, ports 7000 to 7003, data in ./data"],
    ["$0 --nodes 5 --port 9000", "five DataNodes, each file on three of them"],
    ["$0 --nodes 6 --zones a,b,c", "two DataNodes in each of three zones; every file is in all three"],
    ["$0 --ephemeral", "a cluster to play with"],
  ],
  configOf: (values) =>
    checkLocalSettings({
      ...values,
      replicas: values.replicas,
      dataDir: values["data-dir"],
      logLevel: values["log-level"],
      consolePort: values["console-port"],
    }),
  start,
});

async function start(config: LocalConfig): Promise<Running> {
  const parent = config.dataDir === undefined ? undefined : resolve(config.dataDir);
  const temporary = config.ephemeral ? await temporaryDirectory("quorumfs-local-", parent) : undefined;
  const dataDir = temporary?.path ?? parent ?? resolve(defaultDataDir);
  const startedMs = performance.now();
  const progress = new Progress({
    clock: systemClock(),
    terminal: process.stderr.isTTY,
    write: (text) => process.stderr.write(text),
  });
  try {
    const cluster = await startProcessCluster({
      ...config,
      dataDir,
      metrics: true,
      onEvent: (event) => progress.show(event),
    });
    progress.done();
    process.stdout.write(overview({ cluster, config, dataDir }));
    return {
      ready: `after ${((performance.now() - startedMs) / 1000).toFixed(1)} s: ${cluster.endpoints.join(",")}`,
      close: async () => {
        await cluster.close();
        progress.done();
        await temporary?.remove();
      },
    };
  } catch (error) {
    progress.done();
    await temporary?.remove();
    throw error;
  }
}
