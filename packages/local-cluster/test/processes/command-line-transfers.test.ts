/** The command line as people run it: real processes, pipes, signals, and files that are large enough to be in chunks. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { systemClock, systemRandom } from "@quorumfs/runtime";
import { freePorts } from "../../src/adapters/free-ports.js";
import { temporaryDirectory, type TemporaryDirectory } from "../../src/adapters/temporary-directory.js";
import { waitUntil } from "../../src/cluster/wait-until.js";
import { type ProcessCluster, startProcessCluster } from "../../src/processes/process-cluster.js";
import { mebibyte, same, sample, sha256 } from "../large/sample.js";
import { binary, buildOnce, buildTimeoutMs } from "./built.js";
import { Program } from "./program.js";

const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 32));
const host = "127.0.0.1";

let data: TemporaryDirectory;
let cluster: ProcessCluster;
let work: TemporaryDirectory;
let environment: Readonly<Record<string, string>>;

beforeAll(async () => {
  buildOnce();
  data = await temporaryDirectory("quorumfs-test-");
  const port = await freePorts({ host, count: 4, random: systemRandom() });
  cluster = await startProcessCluster({ nodes: 3, replicas: 3, host, port, dataDir: data.path });
}, buildTimeoutMs);

afterAll(async () => {
  await cluster.close();
  await data.remove();
});

beforeEach(async () => {
  work = await temporaryDirectory("quorumfs-test-");
  environment = { QUORUMFS_ENDPOINT: cluster.endpoints.join(","), XDG_STATE_HOME: join(work.path, "state") };
});

afterEach(() => work.remove());

const at = (name: string): string => join(work.path, name);

async function quorumfs(...args: readonly string[]) {
  const program = new Program(binary("client"), args, environment);
  const { code } = await program.ended;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

/** Runs a line of shell in which `$Q` is the command. */
async function shell(line: string) {
  const child = spawn("sh", ["-c", line], {
    cwd: work.path,
    env: { ...process.env, NODE_OPTIONS: "", ...environment, Q: `${process.execPath} ${binary("client")}` },
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, stdout, stderr };
}

/** Text of all files below a directory, by path. */
async function tree(name: string): Promise<Readonly<Record<string, string>>> {
  const found = await readdir(at(name), { recursive: true, withFileTypes: true });
  const files = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const contents = files.map(async (path) => [path.slice(at(name).length + 1), await readFile(path, "utf8")] as const);
  return Object.fromEntries(await Promise.all(contents));
}

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(at(name), ".."), { recursive: true });
    await writeFile(at(name), content);
  }
}

describe("large files", () => {
  const content = sample(9 * mebibyte + 12_345, seed);

  test(`standard input of unknown length, and ranges across chunks (seed ${seed})`, async () => {
    await writeFile(at("in"), content);
    expect(await shell("cat in | $Q put - files/piped -o json")).toMatchObject({ code: 0, stderr: "" });
    expect(await quorumfs("get", "files/piped", at("out"))).toMatchObject({ code: 0, stderr: "" });
    expect(same(await readFile(at("out")), content)).toBe("same");
    const edge = 4 * mebibyte;
    for (const [range, from, to] of [
      [`${edge - 1}-${edge}`, edge - 1, edge + 1],
      [`${2 * edge - 70_000}-`, 2 * edge - 70_000, content.length],
      ["-100", content.length - 100, content.length],
      ["0-0", 0, 1],
    ] as const) {
      expect(await shell(`$Q get files/piped - --range=${range} > part`)).toMatchObject({ code: 0, stderr: "" });
      expect([range, same(await readFile(at("part")), content.subarray(from, to))]).toEqual([range, "same"]);
    }
  });

  test("append from standard input and from a file", async () => {
    await writeFile(at("in"), content);
    expect(await quorumfs("put", at("in"), "files/log")).toMatchObject({ code: 0 });
    expect(await shell("echo more | $Q put - files/log --append")).toMatchObject({ code: 0 });
    expect(await quorumfs("put", at("in"), "files/log", "--append")).toMatchObject({ code: 0 });
    expect(await shell("$Q cat files/log > out")).toMatchObject({ code: 0, stderr: "" });
    const expected = Buffer.concat([content, Buffer.from("more\n"), content]);
    expect(same(await readFile(at("out")), expected)).toBe("same");
  });

  test("a reader that has had enough ends it quietly", async () => {
    await writeFile(at("in"), content);
    await quorumfs("put", at("in"), "files/read");
    const { stdout, stderr } = await shell('( $Q cat files/read; echo "code $?" >&2 ) | head -c 10 | wc -c');
    expect(stdout.trim()).toBe("10");
    expect(stderr).toBe("code 0\n");
  });

  test("get --resume goes on with what there is, and checks it", async () => {
    await writeFile(at("in"), content);
    await quorumfs("put", at("in"), "files/resumed");
    const part = at(`.out.${sha256(content).slice(0, 16)}.part`);
    await writeFile(part, content.subarray(0, 5_000_000));
    const resumed = await quorumfs("get", "files/resumed", at("out"), "--resume");
    expect(resumed).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("4.8 MiB (5000000 bytes) had come before"),
    });
    expect(same(await readFile(at("out")), content)).toBe("same");
    await writeFile(part, Buffer.alloc(5_000_000));
    expect(await quorumfs("get", "files/resumed", at("out"), "--resume")).toMatchObject({ code: 0 });
    expect(same(await readFile(at("out")), content)).toBe("same");
    expect((await readdir(work.path)).sort()).toEqual(["in", "out"]);
  });

  test("killed in the middle of a put: --resume does not send again what is durable", async () => {
    const chunkFiles = (): number =>
      readdirSync(data.path, { recursive: true, encoding: "utf8" }).filter((path) =>
        /chunks\/.*\/[0-9a-f]{64}/.test(path),
      ).length;
    // The larger, the longer it can be caught in the middle.
    for (let bytes = 64 * mebibyte; ; bytes *= 2) {
      const large = sample(bytes, seed + 1);
      await writeFile(at("large"), large);
      const before = chunkFiles();
      await using program = new Program(binary("client"), ["put", at("large"), `files/killed-${bytes}`], environment);
      let ended = false;
      void program.ended.then(() => (ended = true));
      await waitUntil({
        // Six are under way at once, and may be files on three nodes before any copy counts: beyond them some are safe.
        what: "21 copies of chunks are there, or all is over",
        condition: () => ended || chunkFiles() >= before + 21,
        timeoutMs: 60_000,
        clock: systemClock(),
      });
      program.signal("SIGKILL");
      const { signal } = await program.ended;
      if (signal !== "SIGKILL" && bytes < 512 * mebibyte) continue;
      expect(signal).toBe("SIGKILL");
      expect(await quorumfs("stat", `files/killed-${bytes}`)).toMatchObject({ code: 3 });
      const resumed = await quorumfs("put", at("large"), `files/killed-${bytes}`, "--resume", "-o", "json");
      expect(resumed).toMatchObject({ code: 0 });
      expect(JSON.parse(resumed.stdout)).toMatchObject([{ etag: sha256(large), resumedBytes: expect.any(Number) }]);
      expect(await quorumfs("get", `files/killed-${bytes}`, at("out"))).toMatchObject({ code: 0 });
      expect(same(await readFile(at("out")), large)).toBe("same");
      expect(await readdir(at("state/quorumfs/uploads"))).toEqual([]);
      return;
    }
  }, 300_000);

  test("Ctrl-C in the middle of a get: nothing is left beside the target", async () => {
    const large = sample(64 * mebibyte, seed + 2);
    await writeFile(at("large"), large);
    await quorumfs("put", at("large"), "files/interrupted");
    await mkdir(at("d"));
    await using program = new Program(binary("client"), ["get", "files/interrupted", at("d/out")], environment);
    let ended = false;
    void program.ended.then(() => (ended = true));
    await waitUntil({
      what: "something has come, or all is over",
      condition: () => ended || readdirSync(at("d")).length > 0,
      timeoutMs: 60_000,
      clock: systemClock(),
    });
    program.signal("SIGINT");
    const { code } = await program.ended;
    // Who is done within the half second that is left is done.
    expect([130, 0]).toContain(code);
    expect((await readdir(at("d"))).filter((name) => name !== "out")).toEqual([]);
    if (existsSync(at("d/out"))) expect(same(await readFile(at("d/out")), large)).toBe("same");
  });

  test("disk full at the destination: said so, nothing half-written, the old file stands", async () => {
    await writeFile(at("in"), content);
    await quorumfs("put", at("in"), "files/full");
    const mountPoint = at("small");
    await mkdir(mountPoint);
    const mount = spawnSync("mount", ["-t", "tmpfs", "-o", "size=6m", "tmpfs", mountPoint]);
    if (mount.status !== 0) {
      console.warn("SKIPPED: no tmpfs can be mounted here, so a full disk at the destination is not tested");
      return;
    }
    try {
      await writeFile(join(mountPoint, "out"), "old");
      const { code, stderr } = await quorumfs("get", "files/full", join(mountPoint, "out"));
      expect(code).toBe(5);
      expect(stderr).toContain("the disk is full");
      expect(await readdir(mountPoint)).toEqual(["out"]);
      expect(await readFile(join(mountPoint, "out"), "utf8")).toBe("old");
    } finally {
      spawnSync("umount", [mountPoint]);
    }
  });
});

describe("directories", () => {
  test("some files cannot be sent: the others are, exit code 9", async () => {
    await write({ "d/a": "a", "d/b/c": "c" });
    await symlink("a", at("d/link"));
    expect(await quorumfs("put", "-r", at("d"), "files/partial")).toMatchObject({
      code: 9,
      stderr: expect.stringContaining("link is a symbolic link"),
    });
    expect(await quorumfs("get", "-r", "files/partial", at("back"))).toMatchObject({ code: 0 });
    expect(await tree("back")).toEqual({ a: "a", "b/c": "c" });
  });

  test("sync up and down, with --delete and --dry-run", async () => {
    await write({ "site/a": "1", "site/b/c": "2", "site/b.d": "3", "site/large": "l".repeat(300_000) });
    const first = await quorumfs("sync", at("site"), "files/site", "-o", "json");
    expect(first.code).toBe(0);
    expect(JSON.parse(first.stdout)).toMatchObject({ summary: { upload: 4, skip: 0, delete: 0 } });

    await write({ "site/a": "changed", "site/new": "n" });
    await rm(at("site/b.d"));
    const trial = await quorumfs("sync", at("site"), "files/site", "--delete", "--dry-run");
    expect(trial.stdout).toContain("upload 2, delete 1, skip 2");
    expect(await quorumfs("cat", "files/site/a")).toMatchObject({ stdout: "1" });
    const second = await quorumfs("sync", at("site"), "files/site", "--delete");
    expect(second.stdout).toContain("upload 2, delete 1, skip 2");

    await write({ "mirror/a": "old", "mirror/z/z": "z" });
    const before = await tree("mirror");
    expect(await quorumfs("sync", "files/site", at("mirror"), "--delete", "-n")).toMatchObject({ code: 0 });
    expect(await tree("mirror")).toEqual(before);
    expect(await quorumfs("sync", "files/site", at("mirror"), "--delete")).toMatchObject({ code: 0, stderr: "" });
    expect(await tree("mirror")).toEqual(await tree("site"));
    const again = await quorumfs("sync", "files/site", at("mirror"), "--delete");
    expect(again.stdout).toBe("delete 0, skip 4: 0 B\n");
  });
});

describe("upkeep", () => {
  test("scrub pause, status and start; space in status", async () => {
    for (const [command, state] of [
      ["pause", "paused"],
      ["status", "paused"],
      ["start", "running"],
    ] as const) {
      const { code, stdout } = await quorumfs("scrub", command, "-o", "json");
      expect(code).toBe(0);
      expect([command, JSON.parse(stdout)]).toMatchObject([
        command,
        [1, 2, 3].map((node) => ({ node, scrub: { state } })),
      ]);
    }
    const { stdout } = await quorumfs("status");
    expect(stdout).toMatch(/RECLAIMABLE +UPLOADING/);
  });
});
