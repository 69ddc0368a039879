import { describe, expect, test } from "@jest/globals";
import { type SettingValues, workloadConfig } from "../src/config.js";

const defaults: SettingValues = {
  mode: "balanced",
  concurrency: 64,
  files: 1000,
  size: "1KiB",
  distribution: "uniform",
  bucket: "files",
  processes: 1,
  endpoint: ["127.0.0.1:7000"],
  timeout: "30s",
  verify: false,
  keep: false,
  output: "table",
  progress: "auto",
  "metrics-port": "off",
  "metrics-host": "127.0.0.1",
};

describe("configuration", () => {
  test("metrics: off unless there is a port", () => {
    const at = (port: string) => workloadConfig({ ...defaults, "metrics-port": port }, 0).metrics;
    expect(at("off")).toBeUndefined();
    expect(at("0")).toEqual({ host: "127.0.0.1", port: 0 });
    for (const port of ["70000", "-1", "", "on"]) {
      expect(() => at(port)).toThrow("--metrics-port is a number from 0 to 65535, or off");
    }
  });

  test("defaults", () => {
    expect(workloadConfig(defaults, 42)).toMatchObject({
      operations: 10_000,
      durationMs: undefined,
      readRatio: 0.5,
      seed: 42,
      timeoutMs: 30_000,
      size: { minBytes: 1024, maxBytes: 1024 },
    });
  });

  test("a duration alone: no other end; with both, whichever comes first", () => {
    expect(workloadConfig({ ...defaults, duration: "2m" }, 0)).toMatchObject({
      operations: undefined,
      durationMs: 120_000,
    });
    expect(workloadConfig({ ...defaults, duration: "2m", ops: 5 }, 0).operations).toBe(5);
    // A history must fit into memory.
    expect(workloadConfig({ ...defaults, duration: "2m", verify: true }, 0).operations).toBe(2_000_000);
  });

  test("several SuperNodes, separated by commas or given one by one", () => {
    const endpoint = ["a:1, b:2", "c:3"];
    expect(workloadConfig({ ...defaults, endpoint }, 0).endpoints).toEqual(["a:1", "b:2", "c:3"]);
  });

  test.each<[string, Partial<SettingValues>]>([
    ["read ratio above 1", { "read-ratio": 1.5 }],
    ["read ratio of state queries", { mode: "state-query", "read-ratio": 0.5 }],
    ["verified state queries", { mode: "state-query", verify: true }],
    ["no operations", { ops: 0 }],
    ["half an operation", { ops: 0.5 }],
    ["no time", { duration: "0s" }],
    ["no concurrency", { concurrency: 0 }],
    ["more processes than concurrency", { concurrency: 2, processes: 3 }],
    ["no files", { files: 0 }],
    ["contents above the limit", { size: "1KiB..1MiB" }],
    ["contents too small to be unique", { size: "16", verify: true }],
    ["a history beyond memory", { ops: 3_000_000, verify: true }],
    ["a rate of nothing", { rate: 0 }],
    ["a negative seed", { seed: -1 }],
    ["a bucket of no name", { bucket: "UPPER" }],
  ])("%s is refused", (_name, changed) => {
    expect(() => workloadConfig({ ...defaults, ...changed }, 0)).toThrow(
      expect.objectContaining({ code: "invalid_argument" }),
    );
  });
});
