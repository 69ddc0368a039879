// How fast are frames, lanes and uploads between two processes over real gRPC, and what do they cost?
//
//   node packages/rpc/bench/lane.mjs [--seconds 2] [--only lane]      after `npm run build`
//
// Prints operations (or MB) per second and the CPU time of each side per operation.
import { fork } from "node:child_process";
import { once } from "node:events";
import { parseArgs } from "node:util";
import { duplexRoute, unaryRoute } from "@quorumfs/core";
import { ReplicaServiceService } from "@quorumfs/proto";
import { grpcNetwork, Lane, serveLane } from "../dist/index.js";

const quiet = { debug() {}, info() {}, warn() {}, error: console.error, child: () => quiet };
const network = grpcNetwork({ log: quiet });
const clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, action) => {
    const timer = setTimeout(action, delayMs).unref();
    return () => clearTimeout(timer);
  },
  endOfTurn: (action) => setImmediate(action),
};
const random = { fraction: Math.random, bytes: (length) => new Uint8Array(length) };

const json = { encode: (message) => Buffer.from(JSON.stringify(message)), decode: (bytes) => JSON.parse(bytes) };
const asIs = { encode: (bytes) => bytes, decode: (bytes) => bytes };
const method = (name, codec, stream) => ({
  path: `/quorumfs.bench.BenchService/${name}`,
  requestStream: stream,
  responseStream: stream,
  requestSerialize: codec.encode,
  requestDeserialize: codec.decode,
  responseSerialize: codec.encode,
  responseDeserialize: codec.decode,
});
const cpu = method("Cpu", json, false);
const frames = { ...ReplicaServiceService.exchange, path: "/quorumfs.bench.BenchService/Frames" };
const upload = method("Upload", asIs, true);
const exchange = ReplicaServiceService.exchange;

const ballot = { counter: 123_456, node: 2, incarnation: 7 };
const state = { accepted: ballot, value: undefined, committed: ballot, floor: 5 };
const answer = ({ id, vote }) => ({
  id,
  reply: vote.$case === "read" ? { $case: "state", value: state } : { $case: "ok", value: {} },
});

async function serve() {
  const { address } = await network.listen({
    host: "127.0.0.1",
    port: 0,
    routes: [
      unaryRoute(cpu, async () => process.cpuUsage()),
      duplexRoute(frames, (stream) =>
        stream.onMessage(({ requests }) => stream.write({ responses: requests.map(answer) })),
      ),
      duplexRoute(upload, (stream) => {
        stream.onMessage(() => {});
        stream.onEnd(() => {
          stream.write(Buffer.from("done"));
          stream.end();
        });
      }),
      duplexRoute(exchange, (stream) => {
        serveLane(stream, {
          unpack: ({ requests }) => requests,
          pack: (responses) => ({ responses }),
          bytesOf: () => 64,
          dispatch: (request, reply) => reply(answer(request)),
          refuse: (request) => ({ id: request.id }),
          clock,
          log: quiet,
        });
      }),
    ],
  });
  process.on("disconnect", () => process.exit());
  process.send(address);
}

const small = () => ({
  id: 0,
  bucket: 1,
  path: "some/folder/file-0001",
  layout: 3,
  vote: { $case: "read", value: { withContent: false } },
  requestId: new Uint8Array(0),
});
const content = Buffer.alloc(1024, 7);
const etag = Buffer.alloc(32, 9);
const kibibyte = () => ({
  id: 0,
  bucket: 1,
  path: "some/folder/file-0001",
  layout: 3,
  vote: {
    $case: "accept",
    value: {
      ballot,
      value: {
        tombstone: false,
        version: ballot,
        size: 1024,
        etag,
        modifiedAtMs: 1,
        content: { $case: "inline", value: content },
        attributes: new Map(),
        ring: [],
      },
      next: ballot,
    },
  },
  requestId: etag.subarray(0, 16),
});

async function measure(name, control, seconds, unit, run) {
  const serverCpu = async () => {
    const { user, system } = await control.unary(cpu, {}, { timeoutMs: 10_000 });
    return user + system;
  };
  const ownCpu = () => process.cpuUsage().user + process.cpuUsage().system;
  await run(0.5);
  const [server0, client0, start] = [await serverCpu(), ownCpu(), performance.now()];
  const done = await run(seconds);
  const elapsed = (performance.now() - start) / 1000;
  const [server1, client1] = [await serverCpu(), ownCpu()];
  console.log(
    `${name.padEnd(34)}${Math.round(done / elapsed)
      .toLocaleString("en")
      .padStart(10)} ${unit}/s` +
      `   CPU us: client ${((client1 - client0) / done).toFixed(2).padStart(8)}  server ${((server1 - server0) / done).toFixed(2).padStart(8)}`,
  );
}

/** Keeps `inFlight` operations under way for a while; `start` begins one and tells when it has ended. */
function keepGoing(inFlight, seconds, start) {
  return new Promise((resolve) => {
    let done = 0;
    let running = inFlight;
    const end = performance.now() + seconds * 1000;
    const next = () => {
      done += 1;
      if (performance.now() < end) start(next);
      else if (--running === 0) resolve(done);
    };
    for (let index = 0; index < inFlight; index += 1) start(next);
  });
}

async function measureFrames(control, channel, seconds) {
  const stream = channel.duplex(frames, {});
  const waiting = [];
  stream.onMessage(() => waiting.shift()());
  stream.onEnd(() => {});
  for (const inFlight of [1, 64]) {
    await measure(`frames of one, ${inFlight} in flight`, control, seconds, "op", (s) =>
      keepGoing(inFlight, s, (next) => {
        waiting.push(next);
        stream.write({ requests: [small()] });
      }),
    );
  }
  stream.cancel();
}

async function measureLanes(control, channel, seconds) {
  const lane = new Lane({
    peer: "bench",
    open: () => channel.duplex(exchange, {}),
    pack: (requests) => ({ requests }),
    unpack: ({ responses }) => responses,
    bytesOf: (request) => (request.vote.$case === "accept" ? 1200 : 64),
    clock,
    random,
  });
  const options = { timeoutMs: 10_000 };
  for (const [name, make] of Object.entries({ small, "1 KiB": kibibyte })) {
    for (const inFlight of [1, 16, 64, 256, 1024]) {
      await measure(`lane, ${name}, ${inFlight} in flight`, control, seconds, "op", (s) =>
        keepGoing(inFlight, s, (next) => {
          lane.call(make(), options, (error) => {
            if (error) throw error;
            next();
          });
        }),
      );
    }
  }
  lane.close();
}

async function measureUpload(control, channel, seconds) {
  for (const kibibytes of [64, 256, 1024]) {
    const chunk = Buffer.alloc(kibibytes * 1024, 1);
    await measure(`upload, frames of ${kibibytes} KiB`, control, seconds, "MB", (s) => {
      const stream = channel.duplex(upload, {});
      const end = performance.now() + s * 1000;
      let bytes = 0;
      return new Promise((resolve, reject) => {
        stream.onMessage(() => {});
        stream.onEnd((error) => (error ? reject(error) : resolve(bytes / 1e6)));
        const pump = () => {
          while (performance.now() < end) {
            bytes += chunk.length;
            if (!stream.write(chunk)) return;
          }
          stream.end();
        };
        stream.onDrain(pump);
        pump();
      });
    });
  }
}

async function main() {
  const { values } = parseArgs({ options: { seconds: { type: "string", default: "2" }, only: { type: "string" } } });
  const seconds = Number(values.seconds);
  const server = fork(new URL(import.meta.url), { env: { ...process.env, BENCH_ROLE: "server" } });
  const [address] = await once(server, "message");
  const connect = () => network.connect({ address, purpose: "votes", identity: new Map() });
  const [control, channel] = [connect(), connect()];
  const parts = { frames: measureFrames, lane: measureLanes, upload: measureUpload };
  for (const [name, part] of Object.entries(parts)) {
    if (values.only === undefined || values.only === name) await part(control, channel, seconds);
  }
  control.close();
  channel.close();
  server.disconnect();
}

await (process.env.BENCH_ROLE === "server" ? serve() : main());
