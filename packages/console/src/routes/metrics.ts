import { type Metrics, metricsText } from "@quorumfs/telemetry";
import type { Exchange } from "./route.js";

/** One group of targets of Prometheus. @see https://prometheus.io/docs/prometheus/latest/http_sd/ */
interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** For Prometheus, who needs no token: as at the other processes. */
export function metricsAnswers(registries: () => readonly Metrics[]) {
  return {
    metrics: async ({ response }: Exchange): Promise<void> => {
      const text = await metricsText(registries());
      response.setHeader("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
      response.end(text);
    },
    /** Every process of the cluster that serves metrics. */
    targets: async ({ client, request, signal }: Exchange): Promise<readonly TargetGroup[]> => {
      const nodes = await (await client()).nodes({ signal });
      const ofNodes = nodes
        .filter(({ metricsAddress }) => metricsAddress !== undefined)
        .map(({ id, zone, metricsAddress = "" }) => ({
          targets: [metricsAddress],
          labels: { process: "datanode", node: String(id), zone },
        }));
      // Under the name by which Prometheus has found us.
      return [{ targets: [request.headers.host ?? ""], labels: { process: "supernode" } }, ...ofNodes];
    },
  };
}
