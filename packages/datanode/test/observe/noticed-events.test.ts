import { beforeEach, describe, expect, test } from "@jest/globals";
import { Severity } from "@quorumfs/proto";
import { silentLog } from "@quorumfs/runtime";
import { NoticedEvents } from "../../src/observe/noticed-events.js";
import { StepClock } from "../support/step-clock.js";

let clock: StepClock;
let events: NoticedEvents;

beforeEach(() => {
  clock = new StepClock();
  events = new NoticedEvents({ clock, log: silentLog });
});

function notice(count: number): void {
  for (let index = 0; index < count; index += 1) events.notice("scrub.started", `pass ${index}`, { bytes: index });
}

describe("noticed events", () => {
  test("go with every beat until they are delivered", () => {
    notice(3);
    expect(events.due().map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(events.delivered(2)).toBe(true);
    expect(events.due()).toMatchObject([
      { sequence: 3, kind: "scrub.started", severity: Severity.SEVERITY_INFO, message: "pass 2" },
    ]);
    expect(events.due()[0]?.fields).toEqual(new Map([["bytes", "2"]]));
    expect(events.delivered(3)).toBe(false);
    expect(events.due()).toEqual([]);
  });

  test("what was delivered before, or never noticed, changes nothing", () => {
    notice(2);
    expect(events.delivered(0)).toBe(false);
    expect(events.undelivered).toBe(2);
    events.delivered(1000);
    notice(1);
    expect(events.due().map(({ sequence }) => sequence)).toEqual([3]);
  });

  test("so many at most with a beat, and so many at most in all: the oldest go", () => {
    notice(300);
    expect(events.undelivered).toBe(256);
    expect(events.due()).toHaveLength(32);
    expect(events.due()[0]?.sequence).toBe(45);
    expect(events.counts.get("scrub.started")).toBe(300);
  });

  test("waiting for delivery: until it is, or for a while", async () => {
    await events.allDelivered(500);
    notice(2);
    const story: string[] = [];
    const first = events.allDelivered(500).then(() => story.push("delivered"));
    await clock.pass(100);
    expect(story).toEqual([]);
    events.delivered(2);
    await first;
    notice(1);
    const second = events.allDelivered(500).then(() => story.push("waited"));
    await clock.pass(500);
    await second;
    expect(story).toEqual(["delivered", "waited"]);
  });
});
