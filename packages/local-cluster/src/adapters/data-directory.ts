import { existsSync, mkdirSync, readdirSync, readFileSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatBytes } from "@quorumfs/runtime";
import { QuorumError } from "@quorumfs/core";

/** Room for the stores of an empty cluster, for logs, and for something to try it with. */
const defaultFreeBytesMin = 256 * 2 ** 20;

export const superNodeDirectory = "supernode";
const dataNodeDirectory = /^datanode-(\d+)$/;
const manifestFile = "cluster.json";

/** Says of a data directory for which cluster it was made. */
interface Manifest {
  readonly replicas: number;
}

/**
 * Makes the data directory of a local cluster, or checks that the one that is there can be started with these settings.
 *
 * @throws QuorumError `invalid_argument`, `resource_exhausted` or `unavailable`, saying what to do
 */
export function prepareDataDirectory(options: {
  path: string;
  nodes: number;
  replicas: number;
  freeBytesMin?: number;
}): void {
  const { path, nodes, replicas, freeBytesMin = defaultFreeBytesMin } = options;
  try {
    mkdirSync(path, { recursive: true });
    checkContents({ path, nodes, replicas });
    checkSpace(path, freeBytesMin);
    const manifest: Manifest = { replicas };
    writeFileSync(join(path, manifestFile), `${JSON.stringify(manifest)}\n`);
  } catch (cause) {
    if (cause instanceof QuorumError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new QuorumError({ code: "unavailable", message: `cannot use the data directory ${path}: ${reason}`, cause });
  }
}

function checkContents({ path, nodes, replicas }: { path: string; nodes: number; replicas: number }): void {
  const entries = readdirSync(path).filter((name) => name !== "logs");
  if (entries.length === 0) return;
  const ids = entries.map((name) => Number(dataNodeDirectory.exec(name)?.[1] ?? 0));
  const highest = Math.max(0, ...ids);
  const otherDir = "choose another --data-dir";
  if (!entries.includes(manifestFile) && !entries.includes(superNodeDirectory)) {
    throw refuse(
      highest === 0
        ? `${path} holds other things and no cluster; ${otherDir}`
        : `${path} holds DataNodes without their SuperNode; bring ${superNodeDirectory} back or ${otherDir}`,
    );
  }
  if (highest > nodes) {
    throw refuse(`${path} holds a cluster of ${highest} DataNodes; start it with --nodes ${highest} or ${otherDir}`);
  }
  const madeFor = readManifest(join(path, manifestFile))?.replicas;
  if (madeFor !== undefined && madeFor !== replicas) {
    throw refuse(
      `${path} holds a cluster with ${madeFor} replicas of each file, which does not change; ` +
        `start it with --replicas ${madeFor} or ${otherDir}`,
    );
  }
}

function readManifest(path: string): Manifest | undefined {
  if (!existsSync(path)) return undefined;
  const content: unknown = JSON.parse(readFileSync(path, "utf8"));
  if (typeof content !== "object" || content === null || !("replicas" in content)) return undefined;
  return typeof content.replicas === "number" ? { replicas: content.replicas } : undefined;
}

function checkSpace(path: string, freeBytesMin: number): void {
  const { bavail, bsize } = statfsSync(path);
  const freeBytes = bavail * bsize;
  if (freeBytes >= freeBytesMin) return;
  throw new QuorumError({
    code: "resource_exhausted",
    message:
      `only ${formatBytes(freeBytes)} are free where ${path} is, and a cluster needs ${formatBytes(freeBytesMin)}; ` +
      "make room or choose another --data-dir",
  });
}

function refuse(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
