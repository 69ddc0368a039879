import { describe, expect, test } from "@jest/globals";
import { batch, computed, effect, onEnd, scope, signal, untracked } from "../../../web/src/ui/reactive.js";

describe("reactive", () => {
  test("an effect runs at once, and again for another value only", () => {
    const name = signal("a");
    const seen: string[] = [];
    scope(() => effect(() => void seen.push(name.get())));
    name.set("b");
    name.set("b");
    expect(seen).toEqual(["a", "b"]);
  });

  test("an effect follows what its last run has read", () => {
    const which = signal<"left" | "right">("left");
    const left = signal(1);
    const right = signal(10);
    const seen: number[] = [];
    scope(() => effect(() => void seen.push(which.get() === "left" ? left.get() : right.get())));
    right.set(11);
    which.set("right");
    left.set(2);
    right.set(12);
    expect(seen).toEqual([1, 11, 12]);
  });

  test("a batch of changes is one run", () => {
    const a = signal(1);
    const b = signal(2);
    const seen: number[] = [];
    scope(() => effect(() => void seen.push(a.get() + b.get())));
    batch(() => {
      a.set(10);
      b.set(20);
    });
    expect(seen).toEqual([3, 30]);
  });

  test("a computed value tells its readers only when it is another one", () => {
    const count = signal(1);
    const seen: boolean[] = [];
    scope(() => {
      const isEven = computed(() => count.get() % 2 === 0);
      effect(() => void seen.push(isEven.get()));
    });
    count.set(3);
    count.set(4);
    count.set(6);
    expect(seen).toEqual([false, true]);
  });

  test("what is read untracked is not followed", () => {
    const a = signal(1);
    let runs = 0;
    scope(() =>
      effect(() => {
        untracked(() => a.get());
        runs += 1;
      }),
    );
    a.set(2);
    expect(runs).toBe(1);
  });

  test("ending a scope ends its effects, and theirs", () => {
    const a = signal(1);
    const ended: string[] = [];
    let runs = 0;
    const end = scope(() =>
      effect(() => {
        a.get();
        onEnd(() => ended.push("outer"));
        effect(() => {
          a.get();
          runs += 1;
          onEnd(() => ended.push("inner"));
        });
      }),
    );
    const before = runs;
    end();
    a.set(2);
    expect(runs).toBe(before);
    expect(ended).toEqual(["inner", "outer"]);
  });

  test("what an effect made in one run is gone before the next", () => {
    const outer = signal(1);
    const inner = signal(1);
    let runs = 0;
    scope(() =>
      effect(() => {
        outer.get();
        effect(() => {
          inner.get();
          runs += 1;
        });
      }),
    );
    outer.set(2);
    outer.set(3);
    expect(runs).toBe(3);
    inner.set(2);
    expect(runs).toBe(4);
  });
});
