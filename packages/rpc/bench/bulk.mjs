// How fast does the content of chunks travel between two processes over real gRPC, and what does it cost?
//
//   node packages/rpc/bench/bulk.mjs [--gib 1] [--streams 1,4,16] [--only up] [--heap 20]      after `npm run build`
//
// Prints MB per second, and for each side CPU seconds per GiB and how far its memory grew. With `--profile DIR`, writes
// CPU profiles of both sides there.
//
// `--heap` MiB of objects stand for what a real process holds: in an empty one, V8 takes the buffers that sockets are read
// into for growth of the heap, and marks it over and over, which costs more than all the rest.
import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { duplexRoute, unaryRoute } from "@quorumfs/core";
import { ChunkServiceService } from "@quorumfs/proto";
import { grpcNetwork } from "../dist/index.js";

const messageBytes = 256 * 1024;
const chunkBytes = 4 * 1024 * 1024;
const gib = 2 ** 30;

const quiet = { debug() {}, info() {}, warn() {}, error: console.error, child: () => quiet };
const network = grpcNetwork({ log: quiet });
const json = { encode: (message) => Buffer.from(JSON.stringify(message)), decode: (bytes) => JSON.parse(bytes) };
const figures = {
  path: "/quorumfs.bench.BenchService/Figures",
  requestStream: false,
  responseStream: false,
  requestSerialize: json.encode,
  requestDeserialize: json.decode,
  responseSerialize: json.encode,
  responseDeserialize: json.decode,
};
const { writeChunk, readChunk } = ChunkServiceService;

/** See above. */
const held = [];
function holdObjects(mebibytes) {
  const objectBytes = 100;
  for (let index = 0; index < (mebibytes * 2 ** 20) / objectBytes; index += 1)
    held.push({ index, list: [index], text: `${index}` });
}

/** CPU time and memory of this process; its peak since it was last asked. */
function ownFigures() {
  const { user, system } = process.cpuUsage();
  const status = readFileSync("/proc/self/status", "utf8");
  const kib = (field) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)[1]);
  const own = { cpu: user + system, rss: kib("VmRSS"), peak: kib("VmHWM") };
  writeFileSync("/proc/self/clear_refs", "5");
  return own;
}

/** As disks and users hand them out: every message another piece of a larger buffer. */
const content = Buffer.alloc(chunkBytes, 0x51);
function* pieces(bytes) {
  for (let at = 0; at < bytes; at += messageBytes) {
    const offset = at % chunkBytes;
    yield content.subarray(offset, offset + messageBytes);
  }
}

/** Sends messages as fast as the stream takes them; calls `done` after the last. */
function pump(stream, messages, done) {
  const iterator = messages[Symbol.iterator]();
  const go = () => {
    for (;;) {
      const { value, done: over } = iterator.next();
      if (over) return done();
      if (!stream.write(value)) return;
    }
  };
  stream.onDrain(go);
  go();
}

const crcs = [1, 2, 3, 4];
function* downloads(bytes) {
  let offset = 0;
  for (const data of pieces(bytes)) {
    yield { data, blockCrc32c: crcs, offset: offset % chunkBytes, chunkCrc32c: [] };
    offset += data.length;
  }
}
function* uploads(bytes) {
  for (const value of pieces(bytes)) yield { part: { $case: "data", value } };
}

async function serve() {
  holdObjects(Number(process.env.BENCH_HEAP));
  const { address } = await network.listen({
    host: "127.0.0.1",
    port: 0,
    routes: [
      unaryRoute(figures, async () => ownFigures()),
      duplexRoute(writeChunk, (stream) => {
        let bytes = 0;
        stream.onMessage(({ part }) => (bytes += part.value.length));
        stream.onEnd(() => {
          stream.write({ step: { $case: "stored", value: {} } });
          stream.end();
        });
      }),
      duplexRoute(readChunk, (stream) => {
        stream.onMessage(({ length, index }) => pump(stream, downloads(length * (index + 1)), () => stream.end()));
      }),
    ],
  });
  process.on("disconnect", () => process.exit());
  process.send(address);
}

function up(channel, bytes) {
  return new Promise((resolve, reject) => {
    const stream = channel.duplex(writeChunk, {});
    stream.onMessage(() => {});
    stream.onEnd((error) => (error ? reject(error) : resolve()));
    pump(stream, uploads(bytes), () => stream.end());
  });
}

function down(channel, bytes) {
  return new Promise((resolve, reject) => {
    const stream = channel.duplex(readChunk, {});
    let got = 0;
    stream.onMessage(({ data }) => (got += data.length));
    stream.onEnd((error) => (error ? reject(error) : got === bytes ? resolve() : reject(new Error(`got ${got}`))));
    const owner = { bucket: 1, path: "file" };
    const count = bytes / chunkBytes;
    stream.write({ owner, upload: Buffer.alloc(16), index: count - 1, offset: 0, length: chunkBytes });
    stream.end();
  });
}

async function measure(name, control, channel, total, streams, run) {
  const theirs = () => control.unary(figures, {}, { timeoutMs: 10_000 });
  const each = Math.ceil(total / streams / chunkBytes) * chunkBytes;
  const bytes = each * streams;
  await run(channel, 64 * chunkBytes);
  const [server0, client0, start] = [await theirs(), ownFigures(), performance.now()];
  await Promise.all(Array.from({ length: streams }, () => run(channel, each)));
  const seconds = (performance.now() - start) / 1000;
  const [server, client] = [await theirs(), ownFigures()];
  const side = (before, after) =>
    `${((after.cpu - before.cpu) / 1e6 / (bytes / gib)).toFixed(2)} CPU s/GiB, +${((after.peak - before.rss) / 1024).toFixed(0)} MiB`;
  const speed = (bytes / 1e6 / seconds).toFixed(0).padStart(6);
  console.log(`${name.padEnd(20)}${speed} MB/s   client ${side(client0, client)}   server ${side(server0, server)}`);
}

async function main() {
  const { values } = parseArgs({
    options: {
      gib: { type: "string", default: "1" },
      streams: { type: "string", default: "1,4,16" },
      only: { type: "string", default: "" },
      heap: { type: "string", default: "20" },
      profile: { type: "string" },
    },
  });
  holdObjects(Number(values.heap));
  const execArgv = [...process.execArgv, ...(values.profile ? ["--cpu-prof", `--cpu-prof-dir=${values.profile}`] : [])];
  const server = fork(new URL(import.meta.url), {
    execArgv,
    env: { ...process.env, BENCH_ROLE: "server", BENCH_HEAP: values.heap },
  });
  const [address] = await once(server, "message");
  const connect = () => network.connect({ address, purpose: "bulk", identity: new Map() });
  const [control, channel] = [connect(), connect()];
  for (const [direction, run] of Object.entries({ up, down })) {
    if (!direction.includes(values.only)) continue;
    for (const streams of values.streams.split(",").map(Number)) {
      await measure(`${direction}, ${streams} streams`, control, channel, Number(values.gib) * gib, streams, run);
    }
  }
  control.close();
  channel.close();
  server.disconnect();
}

await (process.env.BENCH_ROLE === "server" ? serve() : main());
