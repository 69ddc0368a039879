import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { CallTable } from "../../src/lane/call-table.js";

const ignore = (): void => {};

describe("call table", () => {
  test("does as a Map does, however calls come and go", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("add" as const), deadlineMs: fc.nat(100) }),
      fc.record({ kind: fc.constant("take" as const), pick: fc.nat() }),
      fc.record({ kind: fc.constant("send" as const), pick: fc.nat() }),
      fc.record({ kind: fc.constant("expire" as const), nowMs: fc.nat(100) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const table = new CallTable<string>();
        const model = new Map<number, { readonly deadlineMs: number; readonly done: () => void; sent: boolean }>();
        for (const action of steps) {
          const ids = [...model.keys()];
          switch (action.kind) {
            case "add": {
              const done = (): void => {};
              const id = table.add(action.deadlineMs, done);
              expect(model.has(id)).toBe(false);
              model.set(id, { deadlineMs: action.deadlineMs, done, sent: false });
              break;
            }
            case "take": {
              const id = ids[action.pick % ids.length] ?? 1;
              expect(table.take(id)).toBe(model.get(id)?.done);
              model.delete(id);
              expect(table.take(id)).toBeUndefined();
              break;
            }
            case "send": {
              const call = model.get(ids[action.pick % ids.length] ?? 0);
              if (call && !call.sent) {
                table.markSent(ids[action.pick % ids.length] ?? 0);
                call.sent = true;
              }
              break;
            }
            case "expire": {
              const { ids: expired, nextMs } = table.expired(action.nowMs);
              const due = [...model].filter(([, { deadlineMs }]) => deadlineMs <= action.nowMs).map(([id]) => id);
              const later = [...model.values()].map(({ deadlineMs }) => deadlineMs).filter((ms) => ms > action.nowMs);
              expect([...expired].sort((a, b) => a - b)).toEqual(due.sort((a, b) => a - b));
              expect(nextMs).toBe(Math.min(Infinity, ...later));
            }
          }
          expect(table.size).toBe(model.size);
          expect(table.sentCount).toBe([...model.values()].filter(({ sent }) => sent).length);
          for (const [id, { sent }] of model) expect(table.isSent(id)).toBe(sent);
        }
        expect(table.allIds()).toEqual([...model.keys()].sort((a, b) => a - b));
      }),
    );
  });

  test("a late reply finds nothing, though its slot is in use again", () => {
    const table = new CallTable<string>();
    const late = table.add(0, ignore);
    table.take(late);
    for (let round = 0; round < 1000; round += 1) {
      const id = table.add(0, ignore);
      expect(id).not.toBe(late);
      expect(table.take(late)).toBeUndefined();
      table.take(id);
    }
  });
});
