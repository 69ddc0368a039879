import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { GenerationCache } from "../../src/replica/generation-cache.js";

test("never more than its entries, never an old value, and the newest half is always there", () => {
  const operations = fc.array(
    fc.record({ kind: fc.constantFrom("get", "set", "set", "delete"), key: fc.nat({ max: 30 }) }),
    { maxLength: 300 },
  );
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 20 }), operations, (entriesMax, sequence) => {
      const cache = new GenerationCache<number, { n: number }>({ entriesMax });
      const newest = new Map<number, { n: number }>();
      let order: number[] = [];
      sequence.forEach(({ kind, key }, n) => {
        if (kind === "set") {
          newest.set(key, { n });
          cache.set(key, { n });
          order = [...order.filter((other) => other !== key), key];
        } else if (kind === "delete") {
          newest.delete(key);
          cache.delete(key);
          order = order.filter((other) => other !== key);
        } else {
          const found = cache.get(key);
          if (found) expect(found).toEqual(newest.get(key));
          if (found) order = [...order.filter((other) => other !== key), key];
        }
        expect(cache.size).toBeLessThanOrEqual(entriesMax);
      });
      for (const key of order.slice(-Math.floor(entriesMax / 2))) expect(cache.get(key)).toEqual(newest.get(key));
    }),
  );
});

test("what is pinned stays, however much comes by, and goes once it is free", () => {
  const cache = new GenerationCache<number, { pinned: boolean }>({ entriesMax: 8, isPinned: ({ pinned }) => pinned });
  const pinned = Array.from({ length: 10 }, () => ({ pinned: true }));
  pinned.forEach((value, key) => cache.set(key, value));
  for (let key = 100; key < 200; key += 1) cache.set(key, { pinned: false });
  expect(cache.size).toBeLessThanOrEqual(18);
  pinned.forEach((value, key) => expect(cache.get(key)).toBe(value));
  for (const value of pinned) value.pinned = false;
  for (let key = 200; key < 300; key += 1) cache.set(key, { pinned: false });
  expect(cache.size).toBeLessThanOrEqual(8);
  pinned.forEach((_value, key) => expect(cache.get(key)).toBeUndefined());
});

test("what is offered is taken while there is room, and pushes out nothing", () => {
  const cache = new GenerationCache<number, { n: number }>({ entriesMax: 4 });
  for (const key of [1, 2, 3]) cache.offer(key, { n: key });
  expect([1, 2, 3].map((key) => cache.get(key)?.n)).toEqual([1, 2, undefined]);
});
