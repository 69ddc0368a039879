/** The client of `bench large`: a process of its own, so that its CPU time and memory are those of the SDK. */
import { connect, type QuorumFs } from "@quorumfs/client";
import { drive, machineClock } from "@quorumfs/workload-generator";
import type { TaskReply } from "../task-process.js";
import { content, prepareContent } from "./content.js";
import type { Task, TaskDone } from "./tasks.js";

let client: QuorumFs | undefined;

// Our parent is the only one who sends us messages, and they are tasks.
process.on("message", (task: Task) => {
  void answer(task);
});
process.on("disconnect", () => process.exit());

async function answer(task: Task): Promise<void> {
  process.send?.(await reply(task));
}

async function reply(task: Task): Promise<TaskReply<TaskDone>> {
  try {
    return { done: await perform(task) };
  } catch (thrown) {
    return { failed: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) };
  }
}

async function perform(task: Task): Promise<TaskDone> {
  if (task.kind === "connect") {
    client = await connect({ endpoints: [task.endpoint] });
    prepareContent();
    return { elapsedMs: 0, bytes: 0, latenciesMs: [] };
  }
  if (!client) throw new Error("not connected");
  const connected = client;
  const { bytes } = task;
  switch (task.kind) {
    case "upload":
      return timed(task.names, bytes, task.inFlight, async (name) => {
        await connected.put(name, content(bytes));
      });
    case "download":
      return timed(task.names, bytes, task.inFlight, async (name) => {
        const { body } = await connected.read(name);
        let got = 0;
        for await (const piece of body) got += piece.byteLength;
        if (got !== bytes) throw new Error(`${name}: got ${got} of ${bytes} bytes`);
      });
    case "append":
      return timed(new Array<string>(task.times).fill(task.name), bytes, 1, async (name) => {
        await connected.append(name, content(bytes));
      });
    case "firstByte":
      return firstBytes(connected, task);
  }
}

/** The first failure ends it. */
async function timed(
  names: readonly string[],
  bytes: number,
  inFlight: number,
  perform: (name: string) => Promise<void>,
): Promise<TaskDone> {
  const latenciesMs: number[] = [];
  const waiting = names[Symbol.iterator]();
  let failure: Error | undefined;
  const startedAt = performance.now();
  const running = drive({
    next: () => (failure === undefined ? waiting.next().value : undefined),
    perform: async (name) => {
      const begunAt = performance.now();
      try {
        await perform(name);
        latenciesMs.push(performance.now() - begunAt);
      } catch (thrown) {
        failure ??= thrown instanceof Error ? thrown : new Error(String(thrown));
      }
    },
    concurrency: inFlight,
    ratePerSecond: undefined,
    durationMs: undefined,
    clock: machineClock(),
  });
  await running.ended;
  if (failure !== undefined) throw failure;
  return { elapsedMs: performance.now() - startedAt, bytes: bytes * names.length, latenciesMs };
}

// Lands in another chunk, and within it at another place, each time.
const step = 17_000_003;

async function firstBytes(connected: QuorumFs, task: Extract<Task, { kind: "firstByte" }>): Promise<TaskDone> {
  const { name, bytes, times } = task;
  const latenciesMs: number[] = [];
  let got = 0;
  const startedAt = performance.now();
  for (let index = 0; index < times; index += 1) {
    const begunAt = performance.now();
    const { body } = await connected.read(name, { offset: (index * step) % bytes });
    const reader = body.getReader();
    const { value } = await reader.read();
    latenciesMs.push(performance.now() - begunAt);
    got += value?.byteLength ?? 0;
    await reader.cancel();
  }
  return { elapsedMs: performance.now() - startedAt, bytes: got, latenciesMs };
}
