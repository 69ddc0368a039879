import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "@jest/globals";

const clone = fileURLToPath(new URL("../../../../", import.meta.url));

/** Processes are the real thing, from dist. */
beforeAll(() => {
  const setup = spawnSync(process.execPath, [`${clone}packages/local-cluster/setup.mjs`], { encoding: "utf8" });
  if (setup.status !== 0) throw new Error(`the build failed:\n${setup.stderr}`);
}, 180_000);

/** @param interruptAt sends SIGINT when this has been said */
async function sim(args: readonly string[], interruptAt?: RegExp) {
  const child = spawn(process.execPath, [`${clone}packages/testkit/dist/sim.js`, ...args]);
  let [stdout, stderr, interrupted] = ["", "", false];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    if (interrupted || !interruptAt?.test(stdout)) return;
    interrupted = true;
    child.kill("SIGINT");
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}

describe("npm run sim", () => {
  test("plays every seed once, over processes, and says what that covered", async () => {
    const { code, stdout } = await sim(["--seed", "3", "--seeds", "30", "--jobs", "2"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^30 of 30 seeds, 0 went wrong/mu);
    expect(stdout).toMatch(/^ +30 {2}runs$/mu);
  }, 120_000);

  test("Ctrl-C: no more batches; what was played is told", async () => {
    const { code, stdout } = await sim(["--seeds", "100000", "--jobs", "1"], /of 100000 seeds/u);
    expect(code).toBe(130);
    const runs = Number(/^ +(\d+) {2}runs$/mu.exec(stdout)?.[1]);
    expect(runs).toBeGreaterThanOrEqual(20);
    expect(runs).toBeLessThan(1_000);
  }, 120_000);

  test.each([
    ["--seeds", "none"],
    ["--jobs", "0"],
    ["--seed", "1.5"],
  ])("%s %s is refused", async (option, value) => {
    const { code, stderr } = await sim([option, value]);
    expect(code).toBe(1);
    expect(stderr).toContain(`${option} must be a whole number, and at least 1`);
  });
});
