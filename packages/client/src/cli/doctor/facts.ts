import { QuorumError } from "@quorumfs/core";
import type { NodeDisk, NodeProcess, ProcessInfo } from "../../checkup-info.js";
import type { ClusterStatus, NodeInfo } from "../../cluster-info.js";
import type { ClusterEvent } from "../../event-info.js";
import type { LayoutInfo } from "../../layout-info.js";
import type { QuorumFs } from "../../quorumfs.js";

/** What the checks judge. */
export interface Facts {
  readonly endpoint: string;
  /** Of this command and of the Node.js that runs it. */
  readonly version: string;
  readonly runtimeVersion: string;
  readonly nowMs: number;
  readonly status: ClusterStatus;
  readonly layout: LayoutInfo;
  readonly superNode: ProcessInfo;
  readonly processes: readonly NodeProcess[];
  /** Undefined: they were not to be measured. */
  readonly disks: readonly NodeDisk[] | undefined;
  /** Errors of the last hour, newest first. */
  readonly errors: readonly ClusterEvent[];
}

/** `node 2 at 127.0.0.1:7002` */
export function nodeName({ id, address }: Pick<NodeInfo, "id" | "address">): string {
  return `node ${id} at ${address}`;
}

/** Members that have or get a share of the files. */
export function activeNodes({ status }: Facts): readonly NodeInfo[] {
  return status.nodes.filter(({ role }) => role === "active");
}

export interface GatherOptions {
  readonly cluster: QuorumFs;
  readonly here: Pick<Facts, "endpoint" | "version" | "runtimeVersion" | "nowMs">;
  /** Whether the DataNodes are to write to their disks. */
  readonly withDisks: boolean;
  readonly call: { readonly timeoutMs: number; readonly signal: AbortSignal };
  /** Told of what is still being waited for. */
  readonly onWaiting: (questions: readonly string[]) => void;
}

const errorsSinceMs = 60 * 60 * 1000;
const errorsMax = 100;

/**
 * Asks all at the same time.
 *
 * @throws QuorumError `unavailable` if the SuperNode does not answer
 */
export async function gatherFacts(options: GatherOptions): Promise<Facts> {
  const { cluster, here, withDisks, call, onWaiting } = options;
  const waiting = new Set<string>();
  const ask = async <Answer>(question: string, asking: () => Promise<Answer>): Promise<Answer> => {
    waiting.add(question);
    onWaiting([...waiting]);
    try {
      return await asking();
    } finally {
      waiting.delete(question);
      onWaiting([...waiting]);
    }
  };
  const [status, layout, superNode, processes, disks, errors] = await Promise.all([
    ask("SuperNode", () => cluster.status(call)),
    ask("layout", () => layoutOf(cluster, call)),
    ask("clock of the SuperNode", () => cluster.checkup.superNode(call)),
    ask("DataNodes", () => cluster.checkup.processes(call)),
    withDisks ? ask("disks", () => cluster.checkup.disks(call)) : undefined,
    ask("events", () => cluster.events({ ...call, severity: "error", limit: errorsMax })),
  ]);
  const recent = errors.events.filter(({ at }) => at.getTime() >= here.nowMs - errorsSinceMs);
  return { ...here, status, layout, superNode, processes, disks, errors: recent };
}

/** While the cluster is forming there is none. */
async function layoutOf(cluster: QuorumFs, call: GatherOptions["call"]): Promise<LayoutInfo> {
  try {
    return await cluster.layout.show(call);
  } catch (thrown) {
    const failure = QuorumError.from(thrown);
    if (failure.code !== "unavailable" || failure.details.mayHaveRun !== undefined) throw failure;
    return { number: undefined, shares: [], unevenness: 0, change: undefined };
  }
}
