import { expect, test } from "@jest/globals";
import { SyncStatus } from "@quorumfs/proto";
import { Admission, Caller } from "../../src/admission.js";
import { LoadMeter } from "../../src/cluster/load-meter.js";
import { openReplica } from "../replica/fixture.js";
import { MemoryDisk } from "../replica/memory-disk.js";
import { StepClock } from "../support/step-clock.js";

const usage = { chunks: 3, bytes: 400, reclaimableBytes: 20, uploadingBytes: 10 };
const damage = { recordsDamaged: 1, recordsRepaired: 0, chunksDamaged: 2, chunksRepaired: 2 };
const sync = SyncStatus.fromPartial({ behindRecords: 7 });

function subject() {
  const clock = new StepClock();
  const admission = new Admission({ operationsMax: 100, contentBytesMax: 1000 }, clock);
  const disk = new MemoryDisk();
  const process = { eventLoopDelayMs: 1, cpuFraction: 0.25, residentBytes: 5 };
  const { replica } = openReplica(disk);
  const store = { usage: () => usage, isFull: true };
  const ports = { disk, clock, probe: { sample: () => ({ ...process }) } };
  const counts = { damage: () => damage, sync: () => sync };
  const meter = new LoadMeter({ admission, replica, chunks: store, ...counts, ...ports });
  return { meter, admission, process };
}

test("a sample tells what is stored, and what was damaged", () => {
  expect(subject().meter.sample()).toMatchObject({
    cpuFraction: 0.25,
    records: 0,
    chunks: 3,
    chunkBytes: 400,
    reclaimableBytes: 20,
    uploadingBytes: 10,
    full: true,
    damage,
    sync,
  });
});

test("busy: operations queue here", () => {
  const { meter, admission } = subject();
  expect(meter.isBusy).toBe(false);
  const visit = { kind: "read", contentBytes: 0, caller: new Caller(), atMs: 0 } as const;
  for (let count = 0; count < 32; count += 1) admission.enter({ ...visit });
  expect(meter.isBusy).toBe(true);
  admission.leave(visit);
  expect(meter.isBusy).toBe(false);
});

test("busy: turns of the event loop took long when it was last looked", () => {
  const { meter, process } = subject();
  process.eventLoopDelayMs = 25;
  expect(meter.isBusy).toBe(false);
  meter.sample();
  expect(meter.isBusy).toBe(true);
  process.eventLoopDelayMs = 3;
  meter.sample();
  expect(meter.isBusy).toBe(false);
});
