/** Checks of who is there: SuperNode, DataNodes, ways to them, versions, and what they run on. */
import { formatBytes } from "@quorumfs/runtime/lean";
import { durationText } from "../progress-line.js";
import { countText } from "./count-text.js";
import { activeNodes, type Facts, nodeName } from "./facts.js";
import { error, type Judgement, judged, ok, warning } from "./finding.js";

export function checkSuperNode({ endpoint, status, superNode, nowMs }: Facts): readonly Judgement[] {
  const { version, startedAt, ready, condition } = status;
  const upSeconds = Math.max(0, nowMs + superNode.clockAheadMs - startedAt.getTime()) / 1000;
  const answer = `${endpoint} answers in ${superNode.roundTripMs.toFixed(1)} ms; version ${version}, up for ${durationText(upSeconds)}`;
  if (ready) return [ok(answer)];
  return [
    ok(answer),
    error(
      `the cluster is not ready: ${condition}`,
      "start the DataNodes that are missing; quorumfs status says which are there",
    ),
  ];
}

export function checkNodes({ status, nowMs }: Facts): readonly Judgement[] {
  const faults = status.nodes.flatMap((node): readonly Judgement[] => {
    const forSeconds = Math.max(0, nowMs - node.stateSince.getTime()) / 1000;
    const since = `for ${durationText(forSeconds)}`;
    switch (node.state) {
      case "up":
        return [];
      case "suspect":
        return [
          warning(
            `${nodeName(node)} misses heartbeats ${since}`,
            "it is overloaded, paused or cut off: look at its log and at the network between it and the SuperNode",
            node.id,
          ),
        ];
      case "down":
        return [
          error(
            `${nodeName(node)} is down ${since}`,
            `start it again; if it never comes back: quorumfs node remove ${node.id} --lost, or node replace ${node.id} NEW --lost`,
            node.id,
          ),
        ];
    }
  });
  return judged(faults, `${countText(status.nodes.length, "DataNode")}, all up`);
}

/** Whether there are as many as each file needs. */
export function checkReplicas(facts: Facts): readonly Judgement[] {
  const { replicas } = facts.status;
  const active = activeNodes(facts);
  const what = `N = ${replicas}, ${countText(active.length, "active DataNode")}`;
  if (active.length < replicas) {
    return [
      error(
        `${what}: too few for ${replicas} copies of each file`,
        "start more DataNodes, or give drained ones their share again",
      ),
    ];
  }
  if (replicas === 1) {
    return [
      warning(
        `${what}: there is one copy of each file, and it is lost with its disk`,
        "make a cluster with --replicas 3",
      ),
    ];
  }
  if (replicas === 2) {
    return [
      warning(
        `${what}: both copies are needed for writes, so that one node that is away stops them`,
        "make a cluster with --replicas 3, which goes on with one node away",
      ),
    ];
  }
  return [ok(active.length === replicas ? `${what}; one more could take over for a node that is lost` : what)];
}

export function checkPorts({ processes, status }: Facts): readonly Judgement[] {
  const faults = processes.flatMap(({ node, error: failure }): readonly Judgement[] => {
    if (!failure) return [];
    const known = status.nodes.find(({ id }) => id === node);
    const name = known ? nodeName(known) : `node ${node}`;
    // One that is down is told of already.
    if (known?.state === "down") return [];
    return [
      error(
        `${name} cannot be asked from here: ${failure.message}`,
        "the SuperNode hears it, so its process runs: open its port to clients, or give it an address that they reach (--advertise)",
        node,
      ),
    ];
  });
  const slowest = Math.max(0, ...processes.map(({ process }) => process?.roundTripMs ?? 0));
  const reached = processes.filter(({ process }) => process !== undefined).length;
  return judged(
    faults,
    `${reached} of ${countText(processes.length, "DataNode")} can be reached from here, the slowest in ${slowest.toFixed(1)} ms`,
  );
}

export function checkVersions({ status, version }: Facts): readonly Judgement[] {
  const known = new Map<string, string[]>();
  const add = (which: string, who: string): void => void known.set(which, [...(known.get(which) ?? []), who]);
  add(status.version, "SuperNode");
  for (const node of status.nodes) add(node.version, `node ${node.id}`);
  add(version, "this command");
  if (known.size === 1) return [ok(`${version} everywhere`)];
  const list = [...known].map(([which, who]) => `${which || "unknown"}: ${who.join(", ")}`).join("; ");
  return [
    warning(`not all run the same version (${list})`, "upgrade the others one by one, as docs/OPERATIONS.md says"),
  ];
}

// What package.json asks for.
const oldest = { major: 20, minor: 19 };

export function checkRuntime({ runtimeVersion, superNode, processes }: Facts): readonly Judgement[] {
  const runtimes: readonly { readonly who: string; readonly version: string | undefined; readonly node?: number }[] = [
    { who: "this command", version: runtimeVersion },
    { who: "the SuperNode", version: superNode.runtimeVersion },
    ...processes.map(({ node, process }) => ({ who: `node ${node}`, version: process?.runtimeVersion, node })),
  ];
  const faults = runtimes.flatMap(({ who, version, node }): readonly Judgement[] => {
    const [, major = 0, minor = 0] = (/^v(\d+)\.(\d+)\./.exec(version ?? "") ?? []).map(Number);
    if (version === undefined || major === 0) return [];
    if (major < oldest.major || (major === oldest.major && minor < oldest.minor)) {
      return [error(`${who} runs on Node.js ${version}`, `use Node.js ${oldest.major}.${oldest.minor} or later`, node)];
    }
    // Odd ones are maintained for half a year.
    if (major % 2 === 1)
      return [warning(`${who} runs on Node.js ${version}, which gets no long support`, "use an even version", node)];
    return [];
  });
  const versions = [...new Set(runtimes.flatMap(({ version }) => version ?? []))].sort();
  return judged(faults, `Node.js ${versions.join(", ")}`);
}

const filesEnough = 4096;
const filesUsedMax = 0.8;

export function checkFiles({ superNode, processes }: Facts): readonly Judgement[] {
  const known = [
    { who: "the SuperNode", files: superNode.files },
    ...processes.map(({ node, process }) => ({ who: `node ${node}`, files: process?.files, node })),
  ];
  const advice = "raise the limit where it is started: LimitNOFILE=65536 in its systemd unit, or ulimit -n 65536";
  const faults = known.flatMap(({ who, files, ...rest }): readonly Judgement[] => {
    const node = "node" in rest ? rest.node : undefined;
    if (!files) return [];
    const used = `${who} has ${files.open} of ${files.max} file descriptors open`;
    if (files.open > filesUsedMax * files.max) return [error(used, advice, node)];
    if (files.max < filesEnough) return [warning(`${used}; with many clients it needs more`, advice, node)];
    return [];
  });
  const limits = known.flatMap(({ files }) => files?.max ?? []);
  return judged(
    faults,
    limits.length === 0 ? "not told on this system" : `at least ${Math.min(...limits)} for each process`,
  );
}

const lagMs = 100;

/** Nodes that come to nothing in time. */
export function checkLoad({ status }: Facts): readonly Judgement[] {
  const up = status.nodes.filter(({ state }) => state !== "down");
  const faults = up.flatMap(({ id, load }): readonly Judgement[] => {
    if (!load || load.eventLoopDelayMs < lagMs) return [];
    return [
      warning(
        `node ${id} runs ${load.eventLoopDelayMs.toFixed(0)} ms late, at ${(load.cpuFraction * 100).toFixed(0)} % of a core with ${formatBytes(load.residentBytes)}`,
        "it is overloaded, or its machine is: spread the load over more DataNodes or machines",
        id,
      ),
    ];
  });
  const latest = Math.max(0, ...up.map(({ load }) => load?.eventLoopDelayMs ?? 0));
  return judged(faults, `no node is more than ${latest.toFixed(0)} ms late`);
}
