import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Console, type ConsoleOptions, startConsole } from "@quorumfs/console";
import { QuorumError } from "@quorumfs/core";
import { grpcNetwork } from "@quorumfs/rpc";
import {
  createLog,
  logLevels,
  openLmdbDisk,
  parseDuration,
  processFacts,
  runBinary,
  systemClock,
  systemRandom,
  versionOf,
} from "@quorumfs/runtime";
import { Metrics, processMetrics } from "@quorumfs/telemetry";
import { consoleConfig, type ConsoleSettings, consoleSettings } from "./console-settings.js";
import { replicasDefault, type SuperNodeConfig, superNodeConfig } from "./config.js";
import { startSuperNode } from "./supernode.js";

interface BinaryConfig {
  readonly superNode: SuperNodeConfig;
  /** Undefined: none, and no metrics either. */
  readonly console: ConsoleSettings | undefined;
  readonly dataDirectory: string;
  readonly logDirectory: string;
  readonly logLevel: (typeof logLevels)[number];
  readonly logFormat: "human" | "json" | "none";
}

const version = versionOf(new URL("../package.json", import.meta.url));

await runBinary({
  name: "quorumfs-supernode",
  description: "Knows the DataNodes of a cluster, spreads the files over them, and keeps the buckets.",
  version,
  settings: {
    host: { type: "string", default: "127.0.0.1", describe: "Address to listen on" },
    port: { type: "number", default: 7000, describe: "Port to listen on; 0 takes any" },
    replicas: {
      type: "number",
      default: 0,
      defaultDescription: `${replicasDefault}, or what the cluster was made with`,
      describe: "N, how many DataNodes hold a file; cannot be changed later",
    },
    "initial-nodes": {
      type: "number",
      default: 0,
      defaultDescription: "as many as replicas",
      describe: "DataNodes that must have joined before files are spread over them",
    },
    "dead-after": {
      type: "string",
      default: "15m",
      describe: "A DataNode that is down for so long is replaced by the others, where enough of them live; 0: never",
    },
    "reseed-from": {
      type: "string",
      array: true,
      default: [],
      defaultDescription: "none",
      describe:
        "HOST:PORT,... of DataNodes: makes a store that was lost, or is an old copy, anew from what they remember",
    },
    "console-port": {
      type: "string",
      default: "7080",
      describe: "Port of the console and of /metrics, or the next free one; 0 takes any, off none",
    },
    "console-host": {
      type: "string",
      default: "127.0.0.1",
      describe: "Address of the console; any other than loopback needs a token",
    },
    "console-token": {
      type: "string",
      describe: "What the console asks for; better given in a file or the environment, where nobody sees it",
      defaultDescription: "none",
    },
    "console-token-file": { type: "string", describe: "File with the console's token", defaultDescription: "none" },
    "console-name": {
      type: "string",
      array: true,
      default: [],
      defaultDescription: "none",
      describe: "Name under which browsers reach the console through a proxy, besides localhost",
    },
    "data-dir": { type: "string", default: "data/supernode", describe: "Directory of the store" },
    "log-dir": { type: "string", default: "logs", describe: "Directory of log files" },
    "log-level": { choices: logLevels, default: "info" as const, describe: "Least severe event that is logged" },
    "log-format": {
      choices: ["human", "json", "none"] as const,
      default: "human" as const,
      describe: "What is written to stderr",
    },
  },
  examples: [
    ["$0", "A SuperNode on this machine, for three or more DataNodes"],
    [
      "$0 --host 0.0.0.0 --replicas 5 --data-dir /var/lib/quorumfs",
      "Five copies of each file, reachable from elsewhere",
    ],
  ],
  configOf: (values): BinaryConfig => ({
    superNode: superNodeConfig({
      host: values.host,
      port: values.port,
      replicas: values.replicas,
      initialNodes: values["initial-nodes"],
      deadAfterMs: values["dead-after"] === "0" ? 0 : parseDuration(values["dead-after"]),
      reseedFrom: values["reseed-from"].flatMap((text) => String(text).split(",")).filter((address) => address !== ""),
    }),
    console: consoleSettings({
      host: values["console-host"],
      port: values["console-port"],
      token: values["console-token"],
      tokenFile: values["console-token-file"] === undefined ? undefined : readToken(values["console-token-file"]),
      names: values["console-name"].map(String),
    }),
    dataDirectory: resolve(values["data-dir"]),
    logDirectory: resolve(values["log-dir"]),
    logLevel: values["log-level"],
    logFormat: values["log-format"],
  }),
  start: async (config) => {
    const log = createLog({
      component: "supernode",
      id: config.superNode.port,
      directory: config.logDirectory,
      level: config.logLevel,
      console: config.logFormat,
    });
    const disk = openLmdbDisk({ directory: join(config.dataDirectory, "control"), log });
    let fail: (error: QuorumError) => void = () => undefined;
    const failed = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    // Told while it still starts, it fails the start.
    failed.catch(() => undefined);
    const ports = { network: grpcNetwork({ log }), clock: systemClock(), random: systemRandom(), log, version };
    const metrics = new Metrics();
    const superNode = await startSuperNode({
      ...ports,
      config: config.superNode,
      metrics,
      disk,
      processFacts,
      onFatal: (error) => fail(error),
    });
    const { address } = superNode;
    const page = config.console && (await openConsole(config.console, { ...ports, address, metrics }));
    return {
      ready: address,
      ended: failed,
      close: async () => {
        await page?.close();
        await superNode.close();
        await disk.close();
        await log.close();
      },
    };
  },
});

interface ConsolePorts extends Pick<ConsoleOptions, "network" | "clock" | "random" | "log" | "version"> {
  /** Of the SuperNode. */
  readonly address: string;
  readonly metrics: Metrics;
}

/** The cluster goes on without a page; what is wrong with its settings was told before. */
async function openConsole(settings: ConsoleSettings, ports: ConsolePorts): Promise<Console | undefined> {
  const { address, metrics, ...rest } = ports;
  processMetrics(metrics, { process: "quorumfs-supernode", version });
  const options = {
    ...rest,
    config: consoleConfig(settings),
    endpoints: [reachable(address)],
    metrics: () => [metrics],
  };
  try {
    const page = await startConsole(options);
    // Whoever starts the SuperNode looks for this line, since the port may be another one than was asked for.
    process.stdout.write(`console ${page.url}\n`);
    return page;
  } catch (error) {
    rest.log.error("console.not-started", { error });
    return undefined;
  }
}

/** Who listens everywhere is found on this machine, too. */
function reachable(address: string): string {
  return address.replace(/^(0\.0\.0\.0|\[::\]|::)(?=:\d+$)/, "127.0.0.1");
}

function readToken(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new QuorumError({ code: "invalid_argument", message: `cannot read the console's token: ${reason}`, cause });
  }
}
