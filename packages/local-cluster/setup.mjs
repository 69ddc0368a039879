// Brings a clone to the point where its binaries run: installs with the pinned pnpm, then builds, and does neither when
// nothing changed. It runs before anything is installed, hence plain JavaScript and Node's own modules only.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

const nodeMin = [20, 19];
const installStamp = join(root, "node_modules/.quorumfs-install");
const buildStamp = join(root, "node_modules/.quorumfs-build");
const pageStamp = join(root, "node_modules/.quorumfs-page");

/** The console's page, which Vite builds from its own sources. */
const page = join(root, "packages/console/web");

const packages = () =>
  readdirSync(join(root, "packages")).filter((name) => existsSync(join(root, "packages", name, "package.json")));

/** Installs and builds what is missing or stale. Ends the process with code 1 when that fails.
 *  @param options.quiet no line for what succeeds. */
export async function setUp({ quiet = false } = {}) {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < nodeMin[0] || (major === nodeMin[0] && minor < nodeMin[1])) {
    console.error(`QuorumFS needs Node.js ${nodeMin.join(".")} or later; this is ${process.version}.`);
    process.exit(1);
  }

  const install = installFingerprint();
  if (read(installStamp) !== install) {
    rmSync(installStamp, { force: true });
    const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    // Reporter lines instead of a redrawn screen: they are shown one at a time, or kept for the case of a failure.
    const args = ["--yes", packageManager, "install", "--frozen-lockfile", "--prod=false", "--reporter=append-only"];
    await run(
      "installing packages",
      "npx",
      args,
      "check the network and the npm registry setting, then try again",
      quiet,
    );
    writeFileSync(installStamp, install);
  }

  const build = buildFingerprint(install);
  const built = packages().every((name) => existsSync(join(root, "packages", name, "dist/index.js")));
  if (!built || read(buildStamp) !== build) {
    rmSync(buildStamp, { force: true });
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    await run("building", process.execPath, [tsc, "-b"], "fix the errors above, then try again", quiet);
    mkdirSync(join(root, "node_modules"), { recursive: true });
    writeFileSync(buildStamp, build);
  }

  const pageBuild = pageFingerprint(install);
  if (!existsSync(join(page, "dist/index.html")) || read(pageStamp) !== pageBuild) {
    rmSync(pageStamp, { force: true });
    await run(
      "building the console's page",
      process.execPath,
      pageCommand,
      "fix the errors above, then try again",
      quiet,
    );
    writeFileSync(pageStamp, pageBuild);
  }
}

const pageCommand = [
  join(root, "packages/console/node_modules/vite/bin/vite.js"),
  ...["build", page, "--config", join(page, "vite.config.mjs"), "--logLevel", "warn"],
];

function read(path) {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

/** Of contents: a checkout sets new modification times, and these files are few. */
function installFingerprint() {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}\n`);
  const manifests = packages().map((name) => join("packages", name, "package.json"));
  for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml", "package.json", ...manifests]) {
    hash.update(`${file}\n`).update(readFileSync(join(root, file)));
  }
  return hash.digest("hex");
}

/** Of size and modification time: a few hundred `stat` calls, so that a second start does not pay for the compiler. */
function buildFingerprint(install) {
  const hash = createHash("sha256").update(install);
  const add = (path) => {
    const { size, mtimeMs } = statSync(join(root, path));
    hash.update(`${path} ${size} ${mtimeMs}\n`);
  };
  add("tsconfig.base.json");
  add("tsconfig.json");
  for (const name of packages()) {
    add(join("packages", name, "tsconfig.json"));
    const source = join("packages", name, "src");
    for (const path of readdirSync(join(root, source), { recursive: true }).sort()) add(join(source, path));
  }
  return hash.digest("hex");
}

function pageFingerprint(install) {
  const hash = createHash("sha256").update(install);
  for (const path of readdirSync(page, { recursive: true }).map(String).sort()) {
    if (path === "dist" || path.startsWith(`dist${sep}`)) continue;
    const { size, mtimeMs } = statSync(join(page, path));
    hash.update(`${path} ${size} ${mtimeMs}\n`);
  }
  return hash.digest("hex");
}

/** Runs a command and keeps what it prints: shown as one live line on a terminal, in full when the command fails. */
async function run(title, command, args, advice, quiet) {
  const startedAt = performance.now();
  const elapsed = () => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
  const live = process.stderr.isTTY === true && !quiet;
  if (!quiet && !live) console.error(`${title} ...`);

  const child = spawn(command, args, {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    shell: process.platform === "win32" && command === "npx",
    // CI: no questions. A production NODE_ENV would leave out the compiler.
    env: { ...process.env, CI: "true", NODE_ENV: "development" },
  });
  const stop = (signal) => {
    child.kill(signal);
    process.exit(128 + constants.signals[signal]);
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);

  let output = "";
  const collect = (data) => (output += data);
  child.stdout.setEncoding("utf8").on("data", collect);
  child.stderr.setEncoding("utf8").on("data", collect);
  const draw = () => {
    const last = output.trimEnd().split("\n").at(-1) ?? "";
    const line = `${title} ... ${elapsed()}  ${last}`.slice(0, (process.stderr.columns ?? 80) - 1);
    process.stderr.write(`\r\x1b[K${line}`);
  };
  const timer = live ? setInterval(draw, 200) : undefined;

  const failure = await new Promise((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, signal) => resolve(code === 0 ? undefined : `ended with ${signal ?? `code ${code}`}`));
  });

  clearInterval(timer);
  process.off("SIGINT", stop).off("SIGTERM", stop);
  if (live) process.stderr.write("\r\x1b[K");
  if (failure !== undefined) {
    process.stderr.write(output);
    console.error(`${title} failed (${failure}): ${advice}.`);
    process.exit(1);
  }
  if (!quiet) console.error(`${title}: done in ${elapsed()}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setUp();
