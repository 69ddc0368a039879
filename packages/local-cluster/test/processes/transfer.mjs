/**
 * A client in a process of its own, which a test can kill: `transfer.mjs put ENDPOINT NAME BYTES SEED [FILES]`.
 *
 * Says `progress <bytes>` on its way and `done <version>` at the end, one line for each file. With FILES it puts so many files
 * at the same time, NAME-0, NAME-1, ..., and says in the end `peak <bytes>` of resident memory, before and after.
 */
import { createCipheriv, createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect } from "@quorumfs/client";

const [endpoint = "", name = "", bytes = "0", seed = "0", files = "1"] = process.argv.slice(2);

const zeros = Buffer.alloc(64 * 1024);

/** The same bytes as `sample(size, seed)` of the tests, a piece at a time. */
function* pieces(size, seedOfFile) {
  const key = createHash("sha256").update(`sample ${seedOfFile}`).digest().subarray(0, 16);
  const cipher = createCipheriv("aes-128-ctr", key, Buffer.alloc(16));
  for (let at = 0; at < size; at += zeros.length)
    yield cipher.update(zeros.subarray(0, Math.min(zeros.length, size - at)));
}

function peakBytes() {
  const line = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"));
  return Number(line?.[1] ?? 0) * 1024;
}

const client = await connect({ endpoints: [endpoint] });
try {
  await client.put(`${name}-first`, "x");
  const before = process.platform === "linux" ? peakBytes() : 0;
  const put = async (fileName, seedOfFile) => {
    const options = { onProgress: (progress) => console.log(`progress ${progress.bytes}`), timeoutMs: 60_000 };
    const { file } = await client.put(fileName, pieces(Number(bytes), seedOfFile), options);
    console.log(`done ${file.version}`);
  };
  if (files === "1") await put(name, seed);
  else {
    const all = Array.from({ length: Number(files) }, (_, index) => put(`${name}-${index}`, Number(seed) + index));
    await Promise.all(all);
  }
  if (process.platform === "linux") console.log(`grown ${peakBytes() - before}`);
} finally {
  await client.close();
}
