import { spawn, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "@jest/globals";

const clone = fileURLToPath(new URL("../../../../", import.meta.url));
const program = `${clone}packages/testkit/dist/nemesis.js`;
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 32));

/** Processes are the real thing, from dist. */
beforeAll(() => {
  const { status, stderr } = spawnSync(process.execPath, [`${clone}packages/local-cluster/setup.mjs`], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`the build failed:\n${stderr}`);
}, 180_000);

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(args: readonly string[], whenSaid?: { readonly text: string; readonly signal: NodeJS.Signals }) {
  return new Promise<Ended>((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    let signalled = false;
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      if (!whenSaid || signalled || !stderr.includes(whenSaid.text)) return;
      signalled = true;
      child.kill(whenSaid.signal);
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}

interface Report {
  readonly complete: boolean;
  readonly skipped: readonly { readonly name: string }[];
  readonly rows: readonly { readonly name: string; readonly times: number }[];
  readonly violations: readonly object[];
  readonly verification: { readonly linearizable: boolean; readonly operations: number };
}

const reportIn = ({ stdout }: Ended) => JSON.parse(stdout) as Report;

/** What runs leave behind; others may have theirs at the same time. */
const workspaces = () => readdirSync(tmpdir()).filter((name) => name.startsWith("quorumfs-nemesis-"));

const kinds = "kill,pause,partition,one-way,slow,disk-full,bit-flip,lose-disk,join,drain,supernode";

describe("nemesis", () => {
  test(`every kind of fault, for a moment: no promise is broken (seed ${seed})`, async () => {
    const args = ["--minutes", "0.2", "--faults", kinds, "--ops-rate", "40", "--seed", String(seed), "--json"];
    const ended = await run(args);
    expect([ended.code, ended.stderr]).toEqual([0, expect.anything()]);
    const report = reportIn(ended);
    expect(report.violations).toEqual([]);
    expect(report.complete).toBe(true);
    expect(report.verification.linearizable).toBe(true);
    expect(report.verification.operations).toBeGreaterThan(100);
    const injected = report.rows.filter(({ times }) => times > 0).map(({ name }) => name);
    const skipped = report.skipped.map(({ name }) => name);
    expect([...injected, ...skipped]).toEqual(expect.arrayContaining(kinds.split(",")));
  }, 240_000);

  test("Ctrl-C: ends in order, with a report of what there is, and leaves nothing", async () => {
    const before = workspaces();
    const args = ["--minutes", "5", "--faults", "pause", "--nodes", "3", "--ops-rate", "20", "--json"];
    const ended = await run(args, { text: "SIGSTOP of", signal: "SIGINT" });
    expect([ended.code, ended.stderr]).toEqual([0, expect.anything()]);
    expect(reportIn(ended)).toMatchObject({ complete: false, violations: [], verification: { linearizable: true } });
    expect(workspaces().filter((name) => !before.includes(name))).toEqual([]);
  }, 120_000);

  test("a flag that makes no sense: one line that says so", async () => {
    const { code, stderr } = await run(["--faults", "kill,flood"]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^nemesis: there is no fault "flood"; there are kill, /)]);
  });
});
