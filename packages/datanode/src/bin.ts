import { join, resolve } from "node:path";
import type { Log } from "@quorumfs/core";
import { grpcNetwork } from "@quorumfs/rpc";
import { openTracing, type Tracer } from "@quorumfs/telemetry/lean";
import {
  createLog,
  logLevels,
  openContentFiles,
  openDiskProbe,
  openLmdbDisk,
  parseBytes,
  parseDuration,
  parsePercentage,
  processFacts,
  processProbe,
  runBinary,
  setStoreAside,
  systemClock,
  systemRandom,
  versionOf,
} from "@quorumfs/runtime";
import { healthRoute, type HttpServing, Metrics, metricsRoute, processMetrics, serveHttp } from "@quorumfs/telemetry";
import { type DataNodeConfig, dataNodeConfig } from "./config.js";
import { startDataNode } from "./datanode.js";
import { type EarlierLives, type Ending, type Life, startLifetimes } from "./lifetimes.js";
import { metricsAddressFor, type MetricsSettings, metricsSettings } from "./metrics-settings.js";
import { StoreMeter } from "./observe/store-meter.js";

interface BinaryConfig {
  readonly node: DataNodeConfig;
  /** Undefined: none are served. */
  readonly metrics: MetricsSettings | undefined;
  readonly countsOperations: boolean;
  readonly dataDirectory: string;
  readonly logDirectory: string;
  readonly logLevel: (typeof logLevels)[number];
  readonly logFormat: "human" | "json" | "none";
}

/** Below the data directory. */
const store = "records";

const version = versionOf(new URL("../package.json", import.meta.url));

await runBinary({
  name: "quorumfs-datanode",
  description: "Stores files, votes on them, and coordinates the votes for clients.",
  version,
  settings: {
    supernode: { type: "string", default: "127.0.0.1:7000", describe: "HOST:PORT of the SuperNode" },
    host: { type: "string", default: "127.0.0.1", describe: "Address to listen on" },
    port: { type: "number", default: 7001, describe: "Port to listen on; 0 takes any" },
    advertise: {
      type: "string",
      default: "",
      defaultDescription: "where it listens",
      describe: "HOST:PORT under which others reach this node",
    },
    "metrics-port": {
      type: "string",
      default: "",
      defaultDescription: "100 above --port, or any if that is taken",
      describe: "Port of /metrics and /healthz over HTTP; 0 takes any, off none",
    },
    "metrics-host": { type: "string", default: "127.0.0.1", describe: "Address of /metrics" },
    "count-operations": {
      type: "boolean",
      default: true,
      describe: "Count operations for metrics, `top` and the console; off only to measure what that costs",
    },
    "node-id": { type: "number", default: 0, describe: "Number to ask for at the first start; 0 takes what is given" },
    "forgive-store": {
      type: "boolean",
      default: false,
      describe:
        "Ask again whether the cluster takes this store, which it has refused: all of it was restored from backups",
    },
    zone: { type: "string", default: "default", describe: "Where this node stands; copies go to different zones" },
    capacity: {
      type: "string",
      default: "",
      defaultDescription: "size of the volume",
      describe: "This node's share of the files, relative to the others': 500GiB",
    },
    "scrub-period": {
      type: "string",
      default: "14d",
      describe: "Everything on this node is read and checked once in this time: 14d, 12h; 0 waits for `scrub start`",
    },
    "upload-lease": {
      type: "string",
      default: "24h",
      describe: "How long an interrupted upload can be resumed",
    },
    "retire-after": {
      type: "string",
      default: "10m",
      describe: "How long overwritten and deleted content can still be read by those who began before",
    },
    "full-below": {
      type: "string",
      default: "5%",
      describe: "With less of the volume free, new content goes to other nodes; reads and deletes go on",
    },
    "data-dir": { type: "string", default: "data/datanode", describe: "Directory of this node's store; one node each" },
    "log-dir": { type: "string", default: "logs", describe: "Directory of log files" },
    "log-level": { choices: logLevels, default: "info" as const, describe: "Least severe event that is logged" },
    "log-format": {
      choices: ["human", "json", "none"] as const,
      default: "human" as const,
      describe: "What is written to stderr",
    },
  },
  examples: [
    ["$0 --supernode 127.0.0.1:7000 --port 7001 --data-dir data/node-1", "A node of a cluster on this machine"],
    ["$0 --supernode s1:7000 --host 0.0.0.0 --advertise n1:7001 --zone rack-1", "A node that other machines reach"],
  ],
  configOf: (values): BinaryConfig => ({
    node: dataNodeConfig({
      supernode: values.supernode,
      host: values.host,
      port: values.port,
      advertise: values.advertise,
      nodeId: values["node-id"],
      forgiveStore: values["forgive-store"],
      zone: values.zone,
      capacityBytes: values.capacity === "" ? 0 : parseBytes(values.capacity),
      uploadLeaseMs: parseDuration(values["upload-lease"]),
      retireAfterMs: parseDuration(values["retire-after"]),
      fullBelow: parsePercentage(values["full-below"]),
      scrubPeriodMs: values["scrub-period"] === "0" ? 0 : parseDuration(values["scrub-period"]),
    }),
    metrics: metricsSettings({
      host: values["metrics-host"],
      port: values["metrics-port"],
      nodePort: values.port,
    }),
    countsOperations: values["count-operations"],
    dataDirectory: resolve(values["data-dir"]),
    logDirectory: resolve(values["log-dir"]),
    logLevel: values["log-level"],
    logFormat: values["log-format"],
  }),
  start: async (config) => {
    const log = createLog({
      component: "datanode",
      id: config.node.port,
      directory: config.logDirectory,
      level: config.logLevel,
      console: config.logFormat,
    });
    const tracing = await openTracing({ environment: process.env, serviceName: "quorumfs-datanode", version });
    const { tracer } = tracing;
    const page = await openMetricsPage(config.metrics, log);
    const node = await startLifetimes({
      begin: (earlier, signal) => beginLife(config, earlier, { tracer, log, signal, page }),
      setAside: () => setStoreAside({ dataDirectory: config.dataDirectory, store }).directory,
      log,
    });
    page.status = "serving";
    return {
      ready: node.address,
      ended: node.ended,
      close: async () => {
        page.status = "closing";
        await node.close();
        await page.serving?.close();
        await tracing.close();
        await log.close();
      },
    };
  },
});

/** The process's page of metrics, over the lives of its node. */
interface MetricsPage {
  readonly serving: HttpServing | undefined;
  status: "starting" | "serving" | "closing";
  /** Of the present life: what is counted begins anew with each. */
  life: Metrics;
}

/** There from the start on: what takes long then is of interest, too. */
async function openMetricsPage(settings: MetricsSettings | undefined, log: Log): Promise<MetricsPage> {
  if (!settings) return { serving: undefined, status: "starting", life: new Metrics() };
  const ofProcess = new Metrics({ log });
  processMetrics(ofProcess, { process: "quorumfs-datanode", version });
  const { host, port, anyPortDoes } = settings;
  const serving = await serveHttp({
    host,
    port,
    whenTaken: anyPortDoes ? "any" : "fail",
    routes: {
      "/metrics": metricsRoute(() => [ofProcess, page.life]),
      "/healthz": healthRoute(() => page.status),
    },
    log,
  });
  const page: MetricsPage = { serving, status: "starting", life: new Metrics() };
  log.info("metrics.serving", { url: `${serving.url}/metrics` });
  return page;
}

async function beginLife(
  given: BinaryConfig,
  { address, news }: EarlierLives,
  {
    tracer,
    log,
    signal,
    page,
  }: { readonly tracer: Tracer; readonly log: Log; readonly signal: AbortSignal; readonly page: MetricsPage },
): Promise<Life> {
  const config = address === undefined ? given : onPortOf(address, given);
  const storeMeter = new StoreMeter();
  const disk = openLmdbDisk({
    directory: join(config.dataDirectory, store),
    log,
    onCommit: storeMeter.committed.bind(storeMeter),
  });
  const content = openContentFiles({ directory: join(config.dataDirectory, "chunks") });
  const probe = processProbe();
  const release = async (): Promise<void> => {
    probe.close();
    await Promise.all([disk.close(), content.close()]);
  };
  let end: (ending: Ending) => void = () => undefined;
  const ended = new Promise<Ending>((resolve) => (end = resolve));
  try {
    const node = await startDataNode({
      config: config.node,
      network: grpcNetwork({ log }),
      disk,
      content,
      clock: systemClock(),
      random: systemRandom(),
      probe,
      tracer,
      checkup: { processFacts, diskProbe: openDiskProbe(config.dataDirectory) },
      log,
      version,
      metrics: (page.life = new Metrics({ log })),
      storeMeter,
      countsOperations: config.countsOperations,
      metricsAddress: page.serving ? metricsAddressOf(page.serving, config) : "",
      earlierNews: news,
      signal,
      onFatal: (error) => end({ kind: "failed", error }),
      onLeft: () => end({ kind: "left" }),
    });
    let closing: Promise<void> | undefined;
    return { address: node.address, ended, close: () => (closing ??= node.close().then(release)) };
  } catch (error) {
    await release();
    throw error;
  }
}

function metricsAddressOf({ port }: HttpServing, { node, metrics }: BinaryConfig): string {
  const nodeAddress = node.advertise === "" ? `${node.host}:${node.port}` : node.advertise;
  return metrics ? metricsAddressFor({ host: metrics.host, port, nodeAddress }) : "";
}

/** Who took any port at first is known under it by now. */
function onPortOf(address: string, config: BinaryConfig): BinaryConfig {
  const port = Number(address.slice(address.lastIndexOf(":") + 1));
  return { ...config, node: { ...config.node, port } };
}
