import { fileURLToPath } from "node:url";
import type { Clock, Log, Network, Random } from "@quorumfs/core";
import { type Metrics, serveHttp } from "@quorumfs/telemetry";
import { Connection } from "./connection.js";
import { Hub } from "./live/hub.js";
import { Upstream } from "./live/upstream.js";
import { bucketRoutes } from "./routes/buckets.js";
import { clusterRoutes } from "./routes/cluster.js";
import { contentRoutes } from "./routes/content.js";
import { fileRoutes } from "./routes/files.js";
import { metricsAnswers } from "./routes/metrics.js";
import { openRoutes, sessionRoutes } from "./routes/session.js";
import { streamRoutes } from "./routes/stream.js";
import { workloadRoutes } from "./routes/workload.js";
import { Access } from "./server/access.js";
import { checkConsoleConfig, type ConsoleConfig } from "./config.js";
import { front } from "./server/front.js";
import { Page } from "./server/page.js";
import { WorkloadRunner } from "./workload/workload-runner.js";

export interface ConsoleOptions {
  readonly config: ConsoleConfig;
  /** `host:port` of the SuperNodes of the cluster that is watched. */
  readonly endpoints: readonly string[];
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Of the SuperNode's software. */
  readonly version: string;
  /** What is served at `/metrics`. */
  readonly metrics: () => readonly Metrics[];
  /** Of the page as it was built. Default: where the package has it. */
  readonly pageDirectory?: string;
}

/** A console that serves. */
export interface Console extends AsyncDisposable {
  /** `http://127.0.0.1:7080`. */
  readonly url: string;
  /** `host:port`, with the real port. */
  readonly address: string;
  /** Ends all connections, and a workload that runs. Idempotent. */
  close(): Promise<void>;
}

const builtPage = fileURLToPath(new URL("../web/dist", import.meta.url));

/** 200 tabs, 24 transfers and what browsers open besides. */
const connectionsMax = 512;
/** A transfer that does not move, and an event stream is never silent for so long. */
const idleTimeoutMs = 120_000;

/**
 * Serves the page on which a cluster is watched, its API, and the metrics of the process that it runs in. It is a client of the
 * cluster like any other, and connects when it is first asked for something.
 *
 * @throws QuorumError `invalid_argument`: no token on an address that others reach; `unavailable`: no port is free
 */
export async function startConsole(options: ConsoleOptions): Promise<Console> {
  const { clock, random, log } = options;
  const { host, port, token, names } = checkConsoleConfig(options.config);
  const connection = new Connection(options);
  const hub = new Hub({
    clock,
    onWatched: () => upstream.start(),
    onUnwatched: () => void upstream.stop(),
  });
  const upstream = new Upstream({ connection, hub, clock, log });
  const workload = new WorkloadRunner({
    endpoints: options.endpoints,
    clock,
    random,
    log,
    onChange: (view) => hub.publish("workload", view),
  });
  hub.publish("workload", workload.view);
  const access = new Access(token);
  const { metrics, targets } = metricsAnswers(options.metrics);
  const handler = front({
    access,
    page: new Page(options.pageDirectory ?? builtPage),
    connection,
    routes: {
      ...sessionRoutes({ access, version: options.version }),
      ...streamRoutes(hub),
      ...clusterRoutes,
      ...bucketRoutes,
      ...fileRoutes,
      ...contentRoutes(),
      ...workloadRoutes(workload),
    },
    openRoutes,
    publicRoutes: {
      "GET /metrics": metrics,
      "GET /metrics/targets": targets,
      "GET /healthz": async () => ({ status: "serving" }),
    },
    clock,
    log,
  });
  const serving = await serveHttp({
    host,
    port,
    whenTaken: "next",
    names,
    handler,
    // Uploads take as long as they take, while they move.
    limits: { connectionsMax, idleTimeoutMs, requestTimeoutMs: 0 },
    log,
  });
  log.info("console.started", { url: serving.url });

  const close = async (): Promise<void> => {
    hub.close();
    await Promise.all([workload.close(), upstream.stop()]);
    await serving.close();
    await connection.close();
  };
  let closing: Promise<void> | undefined;
  const closeOnce = (): Promise<void> => (closing ??= close());
  return { url: serving.url, address: serving.address, close: closeOnce, [Symbol.asyncDispose]: closeOnce };
}
