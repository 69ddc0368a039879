import { join, resolve } from "node:path";
import type { QuorumError } from "@quorumfs/core";
import { grpcNetwork } from "@quorumfs/rpc";
import {
  createLog,
  logLevels,
  openLmdbDisk,
  parseDuration,
  runBinary,
  systemClock,
  systemRandom,
  versionOf,
} from "@quorumfs/runtime";
import { replicasDefault, type SuperNodeConfig, superNodeConfig } from "./config.js";
import { startSuperNode } from "./supernode.js";

interface BinaryConfig {
  readonly superNode: SuperNodeConfig;
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
    const superNode = await startSuperNode({
      config: config.superNode,
      network: grpcNetwork({ log }),
      disk,
      clock: systemClock(),
      random: systemRandom(),
      log,
      version,
      onFatal: (error) => fail(error),
    });
    return {
      ready: superNode.address,
      ended: failed,
      close: async () => {
        await superNode.close();
        await disk.close();
        await log.close();
      },
    };
  },
});
