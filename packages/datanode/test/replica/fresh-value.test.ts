import { describe, expect, test } from "@jest/globals";
import { inlineBytesMax, type ReplicaRequest, type Value } from "@quorumfs/core";
import { manifestAgeMaxMsDefault } from "../../src/replica/fresh-value.js";
import { accept, ask, ballot, openReplica, prepare, read, tombstoneOf, valueOf } from "./fixture.js";
import { MemoryDisk } from "./memory-disk.js";
import { StepClock } from "../support/step-clock.js";

const clock = new StepClock();

/** A manifest that was made `ageMs` ago by this replica's clock. */
function manifestOf(counter: number, ageMs: number): Value {
  const content = { kind: "manifest", bytes: Buffer.from("a manifest") } as const;
  return { ...valueOf(counter), size: inlineBytesMax + 1, content, modifiedAtMs: clock.wallMs() - ageMs };
}

function fresh(value: Value): ReplicaRequest {
  return accept(value.version.counter, value, ballot(value.version.counter + 1));
}

describe("a replica whose disk is nearly full", () => {
  let full = true;
  const open = () => openReplica(new MemoryDisk(), { clock, isFull: () => full }).replica;

  test("refuses new values, whatever their size", async () => {
    const replica = open();
    full = true;
    for (const value of [valueOf(5), manifestOf(5, 0)]) {
      const reply = await ask(replica, "a", fresh(value));
      expect(reply).toMatchObject({ kind: "refused", code: "resource_exhausted" });
    }
    expect(await ask(replica, "a", read)).toMatchObject({ accepted: { counter: 0 } });
  });

  test("takes deletes, promises, and old values that are voted for again", async () => {
    const replica = open();
    full = true;
    expect(await ask(replica, "a", prepare(5))).toMatchObject({ kind: "state" });
    expect(await ask(replica, "a", fresh(tombstoneOf(5)))).toEqual({ kind: "ok" });
    expect(await ask(replica, "b", accept(5, valueOf(5)))).toEqual({ kind: "ok" });
    expect(await ask(replica, "c", accept(6, valueOf(5), ballot(7)))).toEqual({ kind: "ok" });
  });

  test("takes new values again once there is room, without a restart", async () => {
    const replica = open();
    full = false;
    expect(await ask(replica, "a", fresh(valueOf(5)))).toEqual({ kind: "ok" });
  });
});

describe("a manifest whose coordinator was stopped for long", () => {
  const open = () => openReplica(new MemoryDisk(), { clock }).replica;

  test("is refused when it is more than twelve hours old by this replica's clock", async () => {
    const reply = await ask(open(), "a", fresh(manifestOf(5, manifestAgeMaxMsDefault + 1)));
    expect(reply).toMatchObject({ kind: "refused", code: "unavailable" });
  });

  test("is voted for when it is younger", async () => {
    expect(await ask(open(), "a", fresh(manifestOf(5, manifestAgeMaxMsDefault)))).toEqual({ kind: "ok" });
  });

  test("is voted for when it is there already, and only voted for again", async () => {
    const old = manifestOf(5, manifestAgeMaxMsDefault + 1);
    expect(await ask(open(), "a", accept(5, old))).toEqual({ kind: "ok" });
    expect(await ask(open(), "a", accept(6, old, ballot(7)))).toEqual({ kind: "ok" });
  });

  test("small contents name no chunks, and may be as old as they like", async () => {
    const old = { ...valueOf(5), modifiedAtMs: 0 };
    expect(await ask(open(), "a", fresh(old))).toEqual({ kind: "ok" });
  });
});
