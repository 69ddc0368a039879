/**
 * What is worth calling a person for, or showing one. Each alert is an entry of alerts.yml and a chapter of
 * docs/OPERATIONS.md. Few, and each with something to do: what heals by itself is an event, no alert, until it takes too long.
 */

export interface Alert {
  /** Without `QuorumFS`, with which all begin. */
  readonly name: string;
  /** `critical`: clients are hurt, or one more failure hurts them. `warning`: look at it today. */
  readonly severity: "critical" | "warning";
  /** True while something is wrong; each series that it yields is one alert. */
  readonly expr: string;
  /** How long it has to be true, like `1m`; without: at once. */
  readonly forAtLeast?: string;
  /** One line, with labels: what is wrong. */
  readonly summary: string;
  /** The next line, with the value. */
  readonly description: string;
  /** For the document: what it means for clients and files. */
  readonly meaning: string;
  /** For the document: what to do. */
  readonly todo: string;
}

export const alerts: readonly Alert[] = [
  {
    name: "NodeDown",
    severity: "critical",
    expr: 'up{process="datanode"} == 0',
    forAtLeast: "30s",
    summary: "DataNode {{ $labels.node }} does not answer",
    description: "Prometheus gets no answer from {{ $labels.instance }}, zone {{ $labels.zone }}.",
    meaning:
      "The process or its machine is gone or hangs, or Prometheus cannot reach it. With N=3 files can be read and written while one node is away; another one would stop some of them.",
    todo: "`quorumfs node list` says whether the cluster misses it, too. Start the service, and it catches up by itself. Is its disk gone: [Replace a disk or a machine](#replace-a-disk-or-a-machine). After `dead-after` others take over what it held.",
  },
  {
    name: "SuperNodeAbsent",
    severity: "critical",
    expr: 'absent(up{process="supernode"} == 1)',
    forAtLeast: "1m",
    summary: "The SuperNode does not answer",
    description: "Prometheus gets no metrics of a SuperNode.",
    meaning:
      "Reads, writes and lists go on. No DataNode joins, nothing moves, no bucket is made, new commands of `quorumfs` do not find their way in, and nobody takes over from nodes that die meanwhile.",
    todo: "Start the service. Is its store lost or damaged: [the SuperNode's store](#back-up-and-restore). If it runs, look whether Prometheus reaches `console-port`.",
  },
];
