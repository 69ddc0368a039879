import type { QuorumFs } from "@quorumfs/client";
import type { Meter } from "./load.js";
import { drive, machineClock, seededDraw, UniqueContent } from "@quorumfs/workload-generator";

export interface Scenario {
  readonly name: string;
  readonly unit: "operations" | "entries";
  /** What is aimed at, with so many in flight. */
  readonly aim:
    { readonly inFlight: number; readonly perSecond: number; readonly serverMicroseconds?: number } | undefined;
  readonly operation: (meter: Meter) => Promise<void>;
}

const contentBytes = 1024;
const files = 1_000;
const listedFiles = 10_000;
const prepareInFlight = 256;
// Any number will do, as long as it is always the same.
const seed = 1;

/** Writes what the scenarios read, then says what they are. */
export async function prepareScenarios(client: QuorumFs): Promise<readonly Scenario[]> {
  const draw = seededDraw(seed);
  const content = new UniqueContent({ draw, contentBytesMax: contentBytes });
  let written = 0;
  const put = (path: string) =>
    client.put(`files/${path}`, content.make(`bench.${(written++).toString(36)}`, contentBytes));
  await inParallel(files, (index) => put(pathOf(index)));
  await inParallel(listedFiles, (index) => put(`listed/${String(index).padStart(6, "0")}`));

  let fresh = 0;
  const create = async ({ count }: Meter): Promise<void> => {
    await put(`new/${(fresh++).toString(36)}`);
    count(1);
  };
  const overwrite = async ({ count }: Meter): Promise<void> => {
    await put(pathOf(Math.floor(draw() * files)));
    count(1);
  };
  const read = async ({ count }: Meter): Promise<void> => {
    await client.get(`files/${pathOf(Math.floor(draw() * files))}`);
    count(1);
  };
  const writes = { inFlight: 64, perSecond: 10_000, serverMicroseconds: 160 };
  return [
    {
      name: "write new files",
      unit: "operations",
      aim: writes,
      operation: create,
    },
    { name: "overwrite files", unit: "operations", aim: writes, operation: overwrite },
    {
      name: "read, linearizable",
      unit: "operations",
      aim: { inFlight: 64, perSecond: 35_000, serverMicroseconds: 45 },
      operation: read,
    },
    {
      name: "balanced",
      unit: "operations",
      aim: undefined,
      operation: (meter) => (draw() < 0.5 ? read(meter) : overwrite(meter)),
    },
    {
      name: "list 10,000 files",
      unit: "entries",
      aim: { inFlight: 64, perSecond: 100_000 },
      operation: (meter) => list(client, meter),
    },
  ];
}

function pathOf(index: number): string {
  return `read/${String(index).padStart(6, "0")}`;
}

const countedAtOnce = 100;

async function list(client: QuorumFs, meter: Meter): Promise<void> {
  let entries = 0;
  for await (const _ of client.list("files", { prefix: "listed/" })) {
    entries += 1;
    if (entries % countedAtOnce !== 0) continue;
    meter.count(countedAtOnce);
    if (meter.stopped) return;
  }
  if (entries !== listedFiles) throw new Error(`listed ${entries} of ${listedFiles} files`);
}

/** The first failure ends it. */
export async function inParallel(count: number, perform: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  let failure: Error | undefined;
  const running = drive({
    next: () => (next < count && failure === undefined ? next++ : undefined),
    perform: async (index) => {
      try {
        await perform(index);
      } catch (thrown) {
        failure ??= thrown instanceof Error ? thrown : new Error(String(thrown));
      }
    },
    concurrency: prepareInFlight,
    ratePerSecond: undefined,
    durationMs: undefined,
    clock: machineClock(),
  });
  await running.ended;
  if (failure !== undefined) throw failure;
}
