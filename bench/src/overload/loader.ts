/** One load process of `bench overload`, through the SDK as programs use it. */
import { connect, type ConnectOptions, type QuorumFs } from "@quorumfs/client";
import { drive, machineClock } from "@quorumfs/workload-generator";
import { sleep } from "../load.js";
import type { TaskReply } from "../task-process.js";
import { contentBytes, files } from "./files.js";
import type { LoadDone, LoadTask, Task } from "./tasks.js";

// More samples say nothing more, and travel as JSON.
const samplesMax = 200_000;

let client: QuorumFs | undefined;
let refusalsMs: number[] = [];
let hintsMs: number[] = [];
let measuring = false;

// Our parent is the only one who sends us messages, and they are tasks.
process.on("message", (task: Task) => {
  void reply(task).then((answer) => process.send?.(answer));
});
process.on("disconnect", () => process.exit());

async function reply(task: Task): Promise<TaskReply<LoadDone | undefined>> {
  try {
    if (task.kind === "load") return { done: await load(task) };
    client = await connect({ endpoints: [task.endpoint], log: refusalLog() });
    return { done: undefined };
  } catch (thrown) {
    return { failed: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) };
  }
}

/** The SDK tells its log of each attempt that it repeats. */
function refusalLog(): NonNullable<ConnectOptions["log"]> {
  const nothing = (): void => undefined;
  return {
    debug: (event, fields) => {
      if (!measuring || event !== "operation.retried" || fields?.["code"] !== "resource_exhausted") return;
      const { elapsedMs, retryAfterMs } = fields;
      if (typeof elapsedMs === "number") note(refusalsMs, elapsedMs);
      if (typeof retryAfterMs === "number") note(hintsMs, retryAfterMs);
    },
    info: nothing,
    warn: nothing,
    error: nothing,
    child: refusalLog,
  };
}

function note(samples: number[], sample: number): void {
  if (samples.length < samplesMax) samples.push(Math.round(sample * 100) / 100);
}

async function load(task: LoadTask): Promise<LoadDone> {
  const connected = client;
  if (!connected) throw new Error("not connected");
  const { reads, ratePerSecond, inFlightMax, warmUpMs, measureMs, timeoutMs } = task;
  const content = new Uint8Array(contentBytes).fill(0x6f);
  const servedMs: number[] = [];
  const givenUpMs: number[] = [];
  const failed: Record<string, number> = {};
  let begun = 0;
  refusalsMs = [];
  hintsMs = [];
  const running = drive({
    next: () => `files/overload/${Math.floor(Math.random() * files)}`,
    perform: async (name) => {
      if (measuring) begun += 1;
      const startedAt = performance.now();
      try {
        if (Math.random() < reads) await connected.get(name, { timeoutMs });
        else await connected.put(name, content, { timeoutMs });
        if (measuring) note(servedMs, performance.now() - startedAt);
      } catch (thrown) {
        if (!measuring) return;
        const code = codeOf(thrown);
        if (code === "resource_exhausted") note(givenUpMs, performance.now() - startedAt);
        else failed[code] = (failed[code] ?? 0) + 1;
      }
    },
    concurrency: inFlightMax,
    ratePerSecond,
    durationMs: undefined,
    clock: machineClock(),
  });
  await sleep(warmUpMs);
  measuring = true;
  await sleep(measureMs);
  measuring = false;
  running.stop();
  await running.ended;
  return { begun, servedMs, givenUpMs, failed, refusalsMs, hintsMs };
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" ? thrown.code : "other";
}
