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
  {
    name: "CannotWrite",
    severity: "critical",
    expr: "quorumfs_supernode_partitions_unwritable > 0",
    forAtLeast: "15s",
    summary: "{{ $value }} partitions cannot be written",
    description: "Of the DataNodes that hold them, fewer are up than some bucket's W.",
    meaning:
      "Writes there fail with `quorum_unavailable`, in buckets whose W is larger than what is left; in a bucket with W = N one node that is down is enough. Nothing is lost, nothing wrong is answered, and it goes on by itself once enough nodes are back.",
    todo: "`quorumfs node list`: bring back the nodes that are down, whichever is fastest. Empty no data directory now: the others may lack what is in it.",
  },
  {
    name: "CannotRead",
    severity: "critical",
    expr: "quorumfs_supernode_partitions_unreadable > 0",
    forAtLeast: "15s",
    summary: "{{ $value }} partitions cannot be read",
    description: "Of the DataNodes that hold them, fewer are up than some bucket's R.",
    meaning:
      "As [CannotWrite](#quorumfscannotwrite), for reads. Whoever can live with an older version reads on with `--consistency relaxed` while one replica is up.",
    todo: "As for writes.",
  },
  {
    name: "UnderReplicated",
    severity: "warning",
    expr: "quorumfs_supernode_partitions_under_replicated > 0",
    forAtLeast: "20m",
    summary: "{{ $value }} partitions have lacked a replica for 20 minutes",
    description: "A DataNode that holds them is down or lost, and nobody has taken over from it.",
    meaning:
      "Nothing is lost. The next failure meets files that have a copy less than they should. Of nodes that are up and behind [NodeBehind](#quorumfsnodebehind) tells.",
    todo: "`quorumfs node list` names nodes, `quorumfs state --under-replicated` files, and also those with which a node is merely behind. Bring the node back. Where no more nodes are left than each file has replicas, nobody can take over: add one.",
  },
  {
    name: "NodeBehind",
    severity: "warning",
    expr: "quorumfs_datanode_in_sync == 0",
    forAtLeast: "30m",
    summary: "DataNode {{ $labels.node }} has been behind for 30 minutes",
    description:
      "It lacks records or chunks that other replicas have, or has not been able to compare itself with them.",
    meaning:
      "Its votes count, but it is one copy less of what it lacks. It catches up with 4,000 records and 64 MiB a second, a fifth of that while clients need it; half an hour is long, unless it was away for days.",
    todo: "Does *Behind* fall in the dashboard: wait. If not: has it room (a full node takes no content), is its damage repaired, does it reach the others (`quorumfs doctor`, its log)?",
  },
  {
    name: "LayoutStuck",
    severity: "warning",
    expr: "quorumfs_supernode_layout_obstructed > 0",
    forAtLeast: "10m",
    summary: "A change of the layout gets no further",
    description: "The event layout.obstructed says what it waits for.",
    meaning:
      "Files are served as before. What was to be moved stays where it is, so that a node that is being emptied cannot go.",
    todo: "`quorumfs layout show` says in words what it waits for: mostly a node that is down or full. Bring that back, or `quorumfs layout stop`, and plan anew without it.",
  },
  {
    name: "NodeFull",
    severity: "critical",
    expr: "quorumfs_datanode_full > 0",
    forAtLeast: "1m",
    summary: "DataNode {{ $labels.node }} is full",
    description: "Less than full-below of its volume is free.",
    meaning:
      "It takes no new content; other replicas do. When too few have room, writes end with `resource_exhausted`. Reads and deletes go on.",
    todo: "Delete files (their space comes back after `retire-after`, 10 min), add a node and `quorumfs layout apply`, or enlarge the volume.",
  },
  {
    name: "DiskFilling",
    severity: "warning",
    expr: "quorumfs_datanode_volume_free_bytes / quorumfs_datanode_volume_size_bytes < 0.15",
    forAtLeast: "10m",
    summary: "The disk of DataNode {{ $labels.node }} is nearly full",
    description:
      "{{ $value | humanizePercentage }} of its volume are free; below full-below (5 %) it takes no new content.",
    meaning: "There is no room any more to take over what a lost node held.",
    todo: "Plan a node more: [Grow](#grow-empty-replace). If one node has much less room than others, tell it its `capacity` and `quorumfs layout apply`. *Reclaimable* in the dashboard goes by itself.",
  },
  {
    name: "DamageFound",
    severity: "warning",
    expr: "increase(quorumfs_datanode_damage_found_total[1h]) > 0",
    summary: "DataNode {{ $labels.node }} found damage on its disk",
    description: "In an hour, {{ $value | humanize }} of its {{ $labels.what }}s did not match their checksum.",
    meaning:
      "A disk, a cable or memory flips bits. What is damaged is never served; it is replaced from another replica.",
    todo: "Once in a year is life. Twice in a week: check the machine's memory and the disk (`smartctl -a`), and [replace](#replace-a-disk-or-a-machine) it.",
  },
  {
    name: "DamageRemains",
    severity: "critical",
    expr: "quorumfs_datanode_repairs_waiting > 0",
    forAtLeast: "1h",
    summary: "DataNode {{ $labels.node }} cannot repair {{ $value }} {{ $labels.what }}s",
    description: "They have been damaged for an hour, and no good copy could be had.",
    meaning:
      "Repair takes seconds when other replicas can be reached. They are down, or have no good copy either: then files are at stake.",
    todo: "Bring all nodes up. `quorumfs state --node ID` and `quorumfs explain BUCKET/PATH` show which replicas have what. If no replica has a good copy: restore the file from the backup.",
  },
  {
    name: "ScrubOverdue",
    severity: "warning",
    expr:
      "time() - quorumfs_datanode_scrub_completed_timestamp_seconds > 28 * 86400 or " +
      '(time() - process_start_time_seconds{process="datanode"} > 28 * 86400 unless on (instance) quorumfs_datanode_scrub_completed_timestamp_seconds)',
    forAtLeast: "1h",
    summary: "DataNode {{ $labels.node }} has not been scrubbed for four weeks",
    description: "Its last complete pass, or its start if there was none, was {{ $value | humanizeDuration }} ago.",
    meaning: "Damage in what nobody reads stays unnoticed. A pass is meant to take `scrub-period` (14 days).",
    todo: "`quorumfs scrub status`: paused, or too slow for the disk? `quorumfs scrub start --rate 50MiB`. With another `scrub-period` change this rule, too.",
  },
  {
    name: "ErrorsMany",
    severity: "critical",
    expr:
      'sum(rate(quorumfs_datanode_operations_total{outcome="failed"}[5m])) / ' +
      "sum(rate(quorumfs_datanode_operations_total[5m])) > 0.01",
    forAtLeast: "5m",
    summary: "{{ $value | humanizePercentage }} of the operations fail",
    description: "For want of a quorum, in time or at all, or by damage.",
    meaning: "Clients get errors, after having tried again themselves.",
    todo: "Other alerts tell why, mostly. Else *Failed and refused* in the dashboard shows where, and the nodes' logs carry the `requestId` that clients see.",
  },
  {
    name: "LatencyHigh",
    severity: "warning",
    expr:
      "histogram_quantile(0.99, sum by (le, kind) " +
      '(rate(quorumfs_datanode_operation_seconds_bucket{kind=~"get|stat|put|delete"}[5m]))) > 0.5',
    forAtLeast: "10m",
    summary: "The slowest {{ $labels.kind }}s take {{ $value | humanizeDuration }}",
    description: "99th percentile of five minutes, at the DataNodes.",
    meaning: "One in a hundred operations waits so long. Half a second is a hundred times what is usual.",
    todo: "Compare nodes in the dashboard *DataNodes*: commits (a slow disk), event loop (too much load), votes (a slow or lost peer), admission (a queue). [FsyncSlow](#quorumfsfsyncslow), [EventLoopLate](#quorumfseventlooplate).",
  },
  {
    name: "OperationsRefused",
    severity: "warning",
    expr: "sum by (node) (rate(quorumfs_datanode_admission_refused_total[5m])) > 1",
    forAtLeast: "5m",
    summary: "DataNode {{ $labels.node }} turns operations away",
    description: "{{ $value | humanize }} a second, because more come than it can do.",
    meaning:
      "Clients wait and try again, at other replicas first. So work is done later rather than not at all, until their deadlines.",
    todo: "Who asks so much: `quorumfs top` shows buckets and hot files. For good: more nodes or faster disks. If only one node refuses, something slows it: see [LatencyHigh](#quorumfslatencyhigh).",
  },
  {
    name: "EventLoopLate",
    severity: "warning",
    expr: 'nodejs_eventloop_lag_p99_seconds{process=~"datanode|supernode"} > 0.25',
    forAtLeast: "5m",
    summary: "The {{ $labels.process }} at {{ $labels.instance }} is late",
    description: "Its event loop runs {{ $value | humanizeDuration }} late, at the 99th percentile.",
    meaning:
      "All that the process does waits so long. At a second and more heartbeats come late, and the node is suspected.",
    todo: "Is its processor used up (*Process*), by it or by others on this machine? Swapping? Fewer processes a machine, or more machines.",
  },
  {
    name: "FsyncSlow",
    severity: "warning",
    expr: "histogram_quantile(0.99, sum by (le, node, instance) (rate(quorumfs_datanode_commit_seconds_bucket[5m]))) > 0.25",
    forAtLeast: "10m",
    summary: "The disk of DataNode {{ $labels.node }} is slow",
    description: "It takes {{ $value | humanizeDuration }} to make commits durable, at the 99th percentile.",
    meaning: "Writes wait for W of N disks: one slow disk is passed over, two are not.",
    todo: "`quorumfs doctor` measures all disks. A failing disk (`smartctl -a`, `dmesg`), another program on the same one, or a volume of a cloud whose budget is used up.",
  },
  {
    name: "VersionsDiffer",
    severity: "warning",
    expr: 'count(count by (version) (quorumfs_build_info{process=~"datanode|supernode"})) > 1',
    forAtLeast: "6h",
    summary: "{{ $value }} versions run side by side",
    description: "An upgrade was begun and not ended.",
    meaning: "Versions side by side are meant for an upgrade, not for good.",
    todo: "`quorumfs node list` and `quorumfs doctor` name versions. [Upgrade](#upgrade) the rest.",
  },
];
