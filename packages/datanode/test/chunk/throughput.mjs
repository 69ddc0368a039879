// How fast one node's chunk store takes chunks (fsynced) and gives them back (from the page cache), and what that costs,
// without a network:
//   node packages/datanode/test/chunk/throughput.mjs [--mib 1024] [--chunk-kib 4096] [--in-flight 6]
// Build first (tsc -b). Uses a directory of its own under the system's temporary directory.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bucketId } from "@quorumfs/core";
import { crc32c, openContentFiles, openLmdbDisk, silentLog, systemClock, systemRandom } from "@quorumfs/runtime";
import { ChunkStore } from "../../dist/chunk/chunk-store.js";

const { values } = parseArgs({
  options: {
    mib: { type: "string", default: "1024" },
    "chunk-kib": { type: "string", default: "4096" },
    "in-flight": { type: "string", default: "6" },
  },
});
const chunkBytes = Number(values["chunk-kib"]) * 1024;
const chunks = Math.max(1, Math.round((Number(values.mib) * 1024 * 1024) / chunkBytes));
const inFlight = Number(values["in-flight"]);
const owner = { bucket: bucketId(1), path: "bench" };
const upload = new Uint8Array(16);
const never = new AbortController().signal;
const bytes = Buffer.alloc(chunkBytes, 7);
const content = { size: chunkBytes, checksum: crc32c(bytes) };

const directory = mkdtempSync(join(tmpdir(), "quorumfs-chunks-"));
const disk = openLmdbDisk({ directory: join(directory, "records") });
const files = openContentFiles({ directory: join(directory, "chunks") });
const store = await ChunkStore.open({
  disk,
  files,
  clock: systemClock(),
  random: systemRandom(),
  log: silentLog,
  belongsHere: () => true,
  leaseMs: 86_400_000,
  retireAfterMs: 600_000,
  fullBelow: 0,
  onDiskFailure: (error) => {
    throw error;
  },
});

async function writeChunk(index) {
  const intake = await store.begin({ owner, upload, index }, content, never);
  for (let at = 0; at < chunkBytes; at += 256 * 1024) await intake.write(bytes.subarray(at, at + 256 * 1024));
  await intake.commit();
}

async function readChunk(index) {
  let length = 0;
  for await (const { data, release } of store.read({ owner, upload, index }, { offset: 0, length: 0 })) {
    length += data.length;
    release();
  }
  if (length !== chunkBytes) throw new Error(`read ${length} bytes of chunk ${index}`);
}

async function measure(what, each) {
  const cpu = process.cpuUsage();
  const start = performance.now();
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < chunks; index = next++) await each(index);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const mib = (chunks * chunkBytes) / 1024 / 1024;
  const cpuPerGib = ((user + system) / 1e6 / mib) * 1024;
  const peakMib = process.resourceUsage().maxRSS / 1024;
  console.log(
    `${what}: ${((mib * 1.048576) / seconds).toFixed(0)} MB/s, ${(chunks / seconds).toFixed(0)} chunks/s, ` +
      `${cpuPerGib.toFixed(2)} CPU s/GiB (user ${((user / 1e6 / mib) * 1024).toFixed(2)}), peak RSS ${peakMib.toFixed(0)} MiB`,
  );
}

try {
  await measure("write", writeChunk);
  await measure("read", readChunk);
  await measure("read", readChunk);
} finally {
  await store.close();
  await Promise.all([files.close(), disk.close()]);
  rmSync(directory, { recursive: true, force: true });
}
