// `npm test`: every check, each with its time: those that look at the sources side by side, then the tests step by step. A failing
// step does not hide the later ones. The last line counts them all: each test of jest, and each other step as one.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root, setUp } from "../local-cluster/setup.mjs";

// No step takes a fifth of it; one that hangs must not hang the whole run.
const stepTimeoutMs = 15 * 60_000;

const npmRun = (script) => ["npm", ["run", "--silent", script]];
const steps = {
  generated: { title: "generated code", command: npmRun("check:generated") },
  lint: { title: "lint", command: npmRun("lint") },
  types: { title: "types", command: npmRun("types") },
  knip: { title: "unused code", command: npmRun("knip") },
  docs: { title: "generated documents", command: npmRun("check:docs") },
  // Jest leaves one processor out, which is half of two.
  unit: { title: "unit tests", jest: ["--maxWorkers=100%"] },
  simulation: { title: "simulation tests", jest: ["--maxWorkers=100%"] },
  // Whole clusters: most of the time they wait.
  integration: { title: "integration tests", jest: ["--maxWorkers=2"] },
  // Side by side these would fight for processors and miss their deadlines.
  alone: { title: "tests that need the machine for themselves", jest: ["--runInBand"] },
};

const { values } = parseArgs({ options: { only: { type: "string" }, help: { type: "boolean" } } });
const chosen = values.only?.split(",") ?? Object.keys(steps);
const unknown = chosen.filter((name) => !Object.hasOwn(steps, name));
if (values.help || unknown.length > 0) {
  for (const name of unknown) console.error(`there is no step "${name}"`);
  console.log(`npm test -- [--only STEP,STEP...]\nsteps: ${Object.keys(steps).join(", ")}`);
  process.exit(values.help ? 0 : 2);
}

await setUp();
const temporary = mkdtempSync(join(tmpdir(), "quorumfs-test-"));
const total = { passed: 0, failed: 0 };
try {
  await Promise.all(chosen.filter((name) => !steps[name].jest).map((name) => perform(steps[name], check)));
  for (const name of chosen.filter((name) => steps[name].jest)) {
    console.log(`\n=== ${steps[name].title}`);
    await perform(steps[name], () => jest(name, steps[name].jest));
  }
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;

async function perform(step, action) {
  const startedAt = performance.now();
  const { passed, failed } = await action(step);
  total.passed += passed;
  total.failed += failed;
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`=== ${step.title}: ${passed} passed, ${failed} failed, ${seconds} s`);
}

/** What it prints comes when it has ended, so that others do not come between. */
async function check({ command: [command, args] }) {
  const output = [];
  const succeeded = await run(command, args, (bytes) => output.push(bytes));
  process.stdout.write(Buffer.concat(output));
  return succeeded ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

async function jest(project, args) {
  const report = join(temporary, `${project}.json`);
  const node = ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning", "node_modules/jest/bin/jest.js"];
  const output = ["--json", `--outputFile=${report}`, "--passWithNoTests"];
  const succeeded = await run(process.execPath, [...node, "--selectProjects", project, ...args, ...output]);
  try {
    const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = JSON.parse(readFileSync(report, "utf8"));
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    return { passed: numPassedTests, failed: succeeded ? failed : Math.max(failed, 1) };
  } catch (error) {
    console.error(`no report of jest: ${error.message}`);
    return { passed: 0, failed: 1 };
  }
}

/** @returns whether the command ended with code 0 and in time. Without `onOutput` it prints as it goes. */
function run(command, args, onOutput) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ["inherit", ...(onOutput ? ["pipe", "pipe"] : ["inherit", "inherit"])],
      timeout: stepTimeoutMs,
      killSignal: "SIGKILL",
      shell: process.platform === "win32" && command === "npm",
    });
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", onOutput);
    child.on("error", (error) => {
      console.error(error.message);
      resolve(false);
    });
    child.on("close", (code) => resolve(code === 0));
  });
}
