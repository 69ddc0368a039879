import { describe, expect, test } from "@jest/globals";
import { type DistributionName, fileChooser } from "../../src/plan/distribution.js";
import { chooseKind, fileMix, type OperationKind, stateQueryMix } from "../../src/plan/mix.js";
import { withoutOldForm } from "../../src/plan/old-form.js";
import { Plan } from "../../src/plan/plan.js";
import { seededDraw } from "../../src/plan/seeded-random.js";
import { chooseSize, parseSizeRange } from "../../src/plan/size-range.js";

const draws = 100_000;

function counts(name: DistributionName, files: number): number[] {
  const choose = fileChooser(name, files);
  const draw = seededDraw(3);
  const chosen = new Array<number>(files).fill(0);
  for (let index = 0; index < draws; index += 1) {
    const file = choose(draw);
    if (!Number.isInteger(file) || file < 0 || file >= files) throw new Error(`chose ${file} of ${files}`);
    chosen[file] = (chosen[file] ?? 0) + 1;
  }
  return chosen;
}

function share(chosen: readonly number[], files: number): number {
  return chosen.slice(0, files).reduce((sum, count) => sum + count, 0) / draws;
}

describe("distribution", () => {
  test("uniform: every file is as likely", () => {
    const chosen = counts("uniform", 100);
    expect(Math.min(...chosen)).toBeGreaterThan(800);
    expect(Math.max(...chosen)).toBeLessThan(1200);
  });

  test("zipfian: the first file gets 13 % and the first ten 38 % of 1,000", () => {
    const chosen = counts("zipfian", 1000);
    expect(share(chosen, 1)).toBeCloseTo(0.13, 1);
    expect(share(chosen, 10)).toBeCloseTo(0.38, 1);
    expect(chosen.filter((count) => count > 0).length).toBeGreaterThan(900);
  });

  test("hotspot: a fifth of the files gets four fifths of the operations", () => {
    expect(share(counts("hotspot", 1000), 200)).toBeCloseTo(0.8, 1);
  });

  test.each(["uniform", "zipfian", "hotspot"] as const)("%s: one, two and three files", (name) => {
    for (const files of [1, 2, 3]) expect(counts(name, files).every((count) => count > 0)).toBe(true);
  });
});

describe("size", () => {
  test("one size or a range", () => {
    expect(parseSizeRange("1KiB")).toEqual({ minBytes: 1024, maxBytes: 1024 });
    expect(parseSizeRange("4KiB..64KiB")).toEqual({ minBytes: 4096, maxBytes: 65_536 });
  });

  test.each(["", "x", "4KiB..", "64KiB..4KiB", "1..2..3", "-1"])("%p is refused", (text) => {
    expect(() => parseSizeRange(text)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });

  test("both ends are chosen", () => {
    const draw = seededDraw(1);
    const sizes = new Set(Array.from({ length: 200 }, () => chooseSize({ minBytes: 3, maxBytes: 6 }, draw)));
    expect([...sizes].sort()).toEqual([3, 4, 5, 6]);
  });
});

describe("mix", () => {
  function shares(mix: Parameters<typeof chooseKind>[0]): Map<OperationKind, number> {
    const draw = seededDraw(5);
    const chosen = new Map<OperationKind, number>();
    for (let index = 0; index < draws; index += 1) {
      const kind = chooseKind(mix, draw);
      chosen.set(kind, (chosen.get(kind) ?? 0) + 1 / draws);
    }
    return chosen;
  }

  test("read-heavy: 95 of 100 are reads", () => {
    const chosen = shares(fileMix({ readRatio: 0.95, conditional: false }));
    expect(chosen.get("get")).toBeCloseTo(0.95, 2);
    expect(chosen.get("put")).toBeCloseTo(0.05, 2);
  });

  test("verified: a tenth of the writes is conditional or deletes", () => {
    const chosen = shares(fileMix({ readRatio: 0.5, conditional: true }));
    expect(chosen.get("put")).toBeCloseTo(0.45, 2);
    expect(chosen.get("delete")).toBeCloseTo(0.02, 2);
  });

  test("nothing but reads, nothing but writes", () => {
    expect([...shares(fileMix({ readRatio: 1, conditional: false })).keys()]).toEqual(["get"]);
    expect([...shares(fileMix({ readRatio: 0, conditional: false })).keys()]).toEqual(["put"]);
  });

  test("state queries write nothing", () => {
    expect([...shares(stateQueryMix).keys()].sort()).toEqual([
      "list",
      "node state",
      "nodes",
      "stat",
      "state",
      "under-replicated",
    ]);
  });
});

describe("plan", () => {
  const options = { mix: fileMix({ readRatio: 0.5, conditional: true }), size: { minBytes: 1, maxBytes: 9 } };
  const planOf = (seed: number, operations: number): Plan =>
    new Plan({ ...options, chooseFile: fileChooser("zipfian", 100), draw: seededDraw(seed), operations });

  test("as many operations as asked for", () => {
    const plan = planOf(1, 3);
    expect([plan.next(), plan.next(), plan.next()].map((operation) => operation?.sequence)).toEqual([0, 1, 2]);
    expect(plan.next()).toBeUndefined();
  });

  test("depends on the seed only", () => {
    const take = (plan: Plan) => Array.from({ length: 100 }, () => plan.next());
    expect(take(planOf(1, Infinity))).toEqual(take(planOf(1, Infinity)));
    expect(take(planOf(1, Infinity))).not.toEqual(take(planOf(2, Infinity)));
  });
});

describe("old form", () => {
  test.each([
    [
      ["0", "100"],
      ["--mode", "read-heavy", "--ops", "100"],
    ],
    [
      ["1", "5", "--files", "3"],
      ["--mode", "write-heavy", "--ops", "5", "--files", "3"],
    ],
    [["2"], ["--mode", "balanced"]],
    [
      ["3", "--seed", "1"],
      ["--mode", "state-query", "--seed", "1"],
    ],
    [
      ["4", "100"],
      ["4", "100"],
    ],
    [
      ["--ops", "100"],
      ["--ops", "100"],
    ],
    [[], []],
  ])("%j", (given, meant) => {
    expect(withoutOldForm(given)).toEqual(meant);
  });
});
