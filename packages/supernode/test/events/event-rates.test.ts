import { describe, expect, test } from "@jest/globals";
import { EventRates } from "../../src/events/event-rates.js";

const down = { kind: "node.down", node: 3 };
const minuteMs = 60_000;

function flood(rates: EventRates, subject: { kind: string; node: number }, count: number, atMs: number): number {
  return Array.from({ length: count }, () => rates.admit(subject, atMs)).filter(({ admitted }) => admitted).length;
}

describe("rates of events", () => {
  test("a burst of one kind and node is let through, and no more", () => {
    const rates = new EventRates();
    expect(flood(rates, down, 1000, 0)).toBe(30);
  });

  test("others are not held back by it", () => {
    const rates = new EventRates();
    flood(rates, down, 1000, 0);
    expect(flood(rates, { kind: "node.back", node: 3 }, 5, 0)).toBe(5);
    expect(flood(rates, { kind: "node.down", node: 4 }, 5, 0)).toBe(5);
  });

  test("later ones come now and then, and say how many were left out", () => {
    const rates = new EventRates();
    flood(rates, down, 100, 0);
    expect(rates.admit(down, 5 * minuteMs)).toEqual({ admitted: true, leftOut: 70 });
    expect(rates.admit(down, 5 * minuteMs)).toEqual({ admitted: false, leftOut: 0 });
    expect(rates.admit(down, 10 * minuteMs)).toEqual({ admitted: true, leftOut: 1 });
  });

  test("a flood for a day: a few hundred are written", () => {
    const rates = new EventRates();
    let written = 0;
    for (let second = 0; second < 86_400; second += 1) if (rates.admit(down, second * 1000).admitted) written += 1;
    expect(written).toBeLessThan(330);
  });

  test("what was left out is due later, once, even if nothing like it comes any more", () => {
    const rates = new EventRates();
    flood(rates, down, 40, 0);
    expect(rates.nextDueMs()).toBe(5 * minuteMs);
    expect(rates.due(minuteMs)).toEqual([]);
    expect(rates.due(5 * minuteMs)).toEqual([{ ...down, count: 10 }]);
    expect(rates.due(60 * minuteMs)).toEqual([]);
    expect(rates.nextDueMs()).toBeUndefined();
  });

  test("no room: left out and counted, though it is the first of its kind", () => {
    const rates = new EventRates();
    expect(rates.admit(down, 0, false).admitted).toBe(false);
    expect(rates.admit(down, 0)).toEqual({ admitted: true, leftOut: 1 });
  });
});
