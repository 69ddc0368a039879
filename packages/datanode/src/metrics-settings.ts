import { isLoopback, parsePortOrOff } from "@quorumfs/telemetry";

/** Where this process serves its metrics; checked. */
export interface MetricsSettings {
  readonly host: string;
  readonly port: number;
  /** Nobody asked for this very port: any other will do. */
  readonly anyPortDoes: boolean;
}

export interface MetricsFlags {
  readonly host: string;
  /** A number, `off`, or nothing for the default. */
  readonly port: string;
  /** Where the DataNode listens. */
  readonly nodePort: number;
}

/** Far enough from the ports of the DataNodes beside this one. */
const aboveNodePort = 100;

/**
 * @returns undefined: it serves none
 * @throws QuorumError `invalid_argument`
 */
export function metricsSettings({ host, port, nodePort }: MetricsFlags): MetricsSettings | undefined {
  if (port === "") {
    const above = nodePort + aboveNodePort;
    return { host, port: nodePort === 0 || above > 65_535 ? 0 : above, anyPortDoes: true };
  }
  const given = parsePortOrOff("--metrics-port", port);
  return given === undefined ? undefined : { host, port: given, anyPortDoes: false };
}

/**
 * What the cluster is told: host:port under which others reach the metrics; empty if they cannot.
 *
 * @param options.nodeAddress under which others reach the DataNode
 */
export function metricsAddressFor(options: {
  readonly host: string;
  readonly port: number;
  readonly nodeAddress: string;
}): string {
  const { host, port, nodeAddress } = options;
  const nodeHost = nodeAddress.slice(0, nodeAddress.lastIndexOf(":"));
  const isEverywhere = host === "0.0.0.0" || host === "::" || host === "";
  if (isEverywhere) return `${nodeHost}:${port}`;
  if (isLoopback(host) && !isLoopback(nodeHost)) return "";
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
