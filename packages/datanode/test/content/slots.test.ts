import { describe, expect, test } from "@jest/globals";
import { Slots } from "../../src/content/slots.js";
import { settle } from "../support/step-clock.js";

const never = new AbortController().signal;

describe("slots", () => {
  test("so many run at a time, the others in order", async () => {
    const slots = new Slots(2);
    const ends: (() => void)[] = [];
    const begun: number[] = [];
    const runs = [1, 2, 3, 4].map((number) =>
      slots.run(() => {
        begun.push(number);
        return new Promise<void>((resolve) => ends.push(resolve));
      }, never),
    );
    await settle();
    expect(begun).toEqual([1, 2]);
    ends[1]?.();
    await settle();
    expect(begun).toEqual([1, 2, 3]);
    for (let index = 0; index < 4; index += 1) {
      ends[index]?.();
      await settle();
    }
    await Promise.all(runs);
    expect(begun).toEqual([1, 2, 3, 4]);
  });

  test("a task that fails leaves its slot to the next one", async () => {
    const slots = new Slots(1);
    const failing = slots.run(() => Promise.reject(new Error("no")), never);
    const next = slots.run(() => Promise.resolve("yes"), never);
    await expect(failing).rejects.toThrow("no");
    expect(await next).toBe("yes");
  });

  test("one that is given up while it waits does not run, and holds nobody up", async () => {
    const slots = new Slots(1);
    let end = () => {};
    const running = slots.run(() => new Promise<void>((resolve) => (end = resolve)), never);
    const caller = new AbortController();
    const waiting = slots.run(() => Promise.reject(new Error("it ran")), caller.signal);
    const next = slots.run(() => Promise.resolve("yes"), never);
    caller.abort();
    await expect(waiting).rejects.toMatchObject({ code: "cancelled" });
    end();
    await running;
    expect(await next).toBe("yes");
  });
});
