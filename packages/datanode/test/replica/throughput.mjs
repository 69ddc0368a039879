// How many votes a second one replica takes, and what they cost, without a network:
//   node packages/datanode/test/replica/throughput.mjs [--in-flight 64] [--files 20000] [--bytes 1024]
// Build first (tsc -b). Uses a directory of its own under the system's temporary directory.
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bucketId, firstLayout, nodeId } from "@quorumfs/core";
import { openLmdbDisk, silentLog, systemClock } from "@quorumfs/runtime";
import { LocalReplica } from "../../dist/replica/local-replica.js";

const { values } = parseArgs({
  options: {
    "in-flight": { type: "string", default: "64" },
    files: { type: "string", default: "20000" },
    bytes: { type: "string", default: "1024" },
  },
});
const inFlight = Number(values["in-flight"]);
const files = Number(values.files);
const content = Buffer.alloc(Number(values.bytes), 7);
const etag = createHash("sha256").update(content).digest();
const bucket = bucketId(1);
const layout = firstLayout(
  [1, 2, 3].map((id) => ({ id: nodeId(id), zone: "", weight: 1 })),
  3,
);
const directory = mkdtempSync(join(tmpdir(), "quorumfs-replica-"));
const disk = openLmdbDisk({ directory });
const replica = new LocalReplica({
  context: {
    clusterId: "bench",
    self: nodeId(1),
    layout: () => layout,
    bucket: () => ({ deleting: false, durability: "fsync" }),
    isMember: (node) => node <= 3,
  },
  disk,
  clock: systemClock(),
  log: silentLog,
  onDiskFailure: (error) => {
    throw error;
  },
});

const paths = Array.from({ length: files }, (_, index) => `folder-${index % 100}/file-${index}.bin`);

function valueOf(ballot, ring) {
  return {
    kind: "live",
    version: ballot,
    size: content.length,
    etag,
    modifiedAtMs: 1_700_000_000_000,
    content: { kind: "inline", bytes: content },
    attributes: new Map(),
    ring,
  };
}

function ask(path, request, expected) {
  return new Promise((resolve, reject) => {
    replica.handle({ bucket, path, layout: 1 }, request, (reply) =>
      reply.kind === expected ? resolve(reply) : reject(new Error(`${path}: ${JSON.stringify(reply)}`)),
    );
  });
}

async function run(name, operation) {
  let next = 0;
  const cpu = process.cpuUsage();
  const start = performance.now();
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (next < files) await operation(paths[next++]);
    }),
  );
  report(name, files, start, cpu);
}

function report(name, count, start, cpu) {
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `${name.padEnd(36)} ${String(Math.round(count / seconds)).padStart(8)}/s   CPU ${((user + system) / count).toFixed(1)} us each`,
  );
}

const ballot = (counter) => ({ counter, node: 1, incarnation: 1 });
const id = createHash("md5").update("ring").digest();
const mark = (counter) => ({ requestId: id, counter });

await run("prepare + accept, new files", async (path) => {
  await ask(path, { kind: "prepare", ballot: ballot(1) }, "state");
  await ask(path, { kind: "accept", ballot: ballot(1), value: valueOf(ballot(1), [mark(1)]), next: ballot(2) }, "ok");
});
await run("accept on a kept promise", async (path) => {
  const value = valueOf(ballot(2), [mark(1), mark(2)]);
  await ask(path, { kind: "accept", ballot: ballot(2), value, next: ballot(3) }, "ok");
});
await run("prepare + accept, overwrite", async (path) => {
  await ask(path, { kind: "prepare", ballot: ballot(5) }, "state");
  await ask(
    path,
    { kind: "accept", ballot: ballot(5), value: valueOf(ballot(5), [mark(1), mark(2)]), next: ballot(6) },
    "ok",
  );
});
await run("read", (path) => ask(path, { kind: "read", withContent: false }, "state"));
await run("read with content", (path) => ask(path, { kind: "read", withContent: true }, "state"));
await run("commit hint", (path) => ask(path, { kind: "commit", ballot: ballot(5) }, "ok"));

{
  const cpu = process.cpuUsage();
  const start = performance.now();
  let count = 0;
  let after = "";
  for (let more = true; more;) {
    const page = await replica.rangeRead({ bucket, prefix: "", after, limit: 10_000 });
    count += page.entries.length;
    after = page.lastPath;
    more = page.truncated;
  }
  report("records listed", count, start, cpu);
}
console.log(
  `resident ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB, heap ${(process.memoryUsage().heapUsed / 2 ** 20).toFixed(0)} MiB`,
);

await replica.close();
await disk.close();
rmSync(directory, { recursive: true });
