/** What a healed cluster is asked when the load is over. */
import type { QuorumFs } from "@quorumfs/client";
import { type Clock, QuorumError } from "@quorumfs/core";
import type { Operation } from "@quorumfs/workload-generator";
import type { ClusterHealth } from "../bed/health.js";
import type { FileSet } from "../load/messages.js";

const readTimeoutMs = 30_000;
const chunkBytes = 4 * 2 ** 20;
const inlineBytesMax = 128 * 1024;

/** Reads every file whole, as one more client. One that cannot be read is told by what it throws. */
export async function readAll(options: {
  client: QuorumFs;
  files: FileSet;
  clock: Clock;
  hash: (bytes: Uint8Array) => string;
}): Promise<{ readonly reads: readonly Operation[]; readonly unreadable: readonly { file: string; why: string }[] }> {
  const { client, files, clock, hash } = options;
  const reads: Operation[] = [];
  const unreadable: { file: string; why: string }[] = [];
  for (const file of [...files.small, ...files.big]) {
    const base = { kind: "read" as const, file, client: "audit", startedAt: clock.nowMs() };
    try {
      const { content, file: info } = await client.get(file, { timeoutMs: readTimeoutMs });
      const outcome = { kind: "found", value: hash(content), version: info.version } as const;
      reads.push({ ...base, endedAt: clock.nowMs(), outcome });
    } catch (thrown) {
      const { code, message } = QuorumError.from(thrown);
      if (code === "not_found") reads.push({ ...base, endedAt: clock.nowMs(), outcome: { kind: "absent" } });
      else unreadable.push({ file, why: `${code}: ${message}` });
    }
  }
  return { reads, unreadable };
}

/** Resolves when the DataNodes hold the chunks of the files that there are, on all their replicas, and no others. */
export async function noChunksLeft(options: {
  client: QuorumFs;
  health: ClusterHealth;
  buckets: readonly string[];
  timeoutMs: number;
}): Promise<void> {
  const { client, health, buckets, timeoutMs } = options;
  const { replicas } = await client.status();
  let said = "";
  const settled = async (): Promise<boolean> => {
    let needed = 0;
    for (const bucket of buckets) {
      for await (const entry of client.list(bucket)) {
        if (entry.kind === "file" && entry.size > inlineBytesMax)
          needed += Math.ceil(entry.size / chunkBytes) * replicas;
      }
    }
    const loads = (await health.nodes()).map(({ load }) => load);
    const sum = (of: "chunks" | "uploadingBytes" | "reclaimableBytes") =>
      loads.reduce((total, load) => total + (load?.[of] ?? 0), 0);
    said = `${sum("chunks")} chunks for ${needed}, ${sum("uploadingBytes")} bytes of uploads, ${sum("reclaimableBytes")} to go`;
    return sum("chunks") === needed && sum("uploadingBytes") === 0 && sum("reclaimableBytes") === 0;
  };
  try {
    await health.until("only the chunks of present files are held, and all of them", settled, timeoutMs);
  } catch (thrown) {
    const { code, message } = QuorumError.from(thrown);
    throw new QuorumError({ code, message: `${message}: ${said}`, cause: thrown });
  }
}
