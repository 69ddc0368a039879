import { existsSync } from "node:fs";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { connect, type QuorumFs } from "@quorumfs/client";
import { systemClock, systemRandom } from "@quorumfs/runtime";
import { prepareDataDirectory } from "../../src/adapters/data-directory.js";
import { freePorts, isPortFree } from "../../src/adapters/free-ports.js";
import { temporaryDirectory, type TemporaryDirectory } from "../../src/adapters/temporary-directory.js";
import { waitUntil } from "../../src/cluster/wait-until.js";
import { binary, buildOnce, buildTimeoutMs } from "./built.js";
import { isAlive, Program } from "./program.js";

const host = "127.0.0.1";
let directory: TemporaryDirectory;
let port: number;

beforeAll(async () => {
  buildOnce();
  directory = await temporaryDirectory("quorumfs-test-");
  port = await freePorts({ host, count: 8, random: systemRandom() });
}, buildTimeoutMs);

afterAll(() => directory.remove());

const local = (...args: string[]) => {
  const ownPort = args.includes("--port") ? [] : ["--port", String(port)];
  return new Program(binary("local"), [...ownPort, ...args]);
};

/** Process ids of the SuperNode and the DataNodes, from what it printed. */
function pidsOf(program: Program): number[] {
  const rows = program.stdout.matchAll(/(?:SuperNode|DataNode \d+)\D+127\.0\.0\.1:\d+\D+(\d+)/g);
  return [...rows].map(([, pid]) => Number(pid));
}

const until = (what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 15_000) =>
  waitUntil({ what, condition, timeoutMs, clock: systemClock() });

const allGone = (pids: readonly number[]) => until("all processes are gone", () => !pids.some(isAlive));

const portsAreFree = () =>
  until("all ports are free", async () => {
    const free = await Promise.all([0, 1, 2, 3].map((index) => isPortFree(host, port + index)));
    return free.every(Boolean);
  });

async function withClient<T>(use: (client: QuorumFs) => Promise<T>): Promise<T> {
  const client = await connect({ endpoints: [`${host}:${port}`] });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

/** Runs it to its end; it must refuse with one line, and leave nothing behind. */
async function refusal(...args: string[]): Promise<{ code: number | null; line: string }> {
  const program = local(...args);
  const { code } = await program.ended;
  expect(program.stdout).not.toContain("ready");
  const lines = program.stderr.trimEnd().split("\n");
  const line = lines.at(-1) ?? "";
  expect(line).toMatch(/^quorumfs-local: /);
  expect(lines.filter((said) => said.startsWith("quorumfs-local: "))).toHaveLength(1);
  expect(program.stderr).not.toMatch(/\n\s+at /);
  return { code, line };
}

describe("quorumfs-local", () => {
  test("starts, says where everything is and `ready`, takes files, ends on SIGTERM with 0", async () => {
    const dataDir = join(directory.path, "main");
    await using program = local("--data-dir", dataDir);
    await program.said(/^ready /m);
    const pids = pidsOf(program);
    expect(pids).toHaveLength(4);
    for (let index = 0; index < 4; index += 1) expect(program.stdout).toContain(`${host}:${port + index}`);
    expect(program.stdout).toContain(dataDir);
    expect(program.stdout.trimEnd().split("\n").at(-1)).toMatch(/^ready /);
    for (const name of ["supernode", "datanode-1", "datanode-2", "datanode-3", "logs"]) {
      expect(existsSync(join(dataDir, name))).toBe(true);
    }
    await withClient((client) => client.put("files/kept", "from the first start"));
    program.signal("SIGTERM");
    expect(await program.ended).toEqual({ code: 0, signal: null });
    await allGone(pids);
    await portsAreFree();
  });

  test("a second start takes seconds and finds the data of the first", async () => {
    await using program = local("--data-dir", join(directory.path, "main"));
    const startedMs = performance.now();
    await program.said(/^ready /m);
    expect(performance.now() - startedMs).toBeLessThan(15_000);
    const content = await withClient(async (client) => (await client.get("files/kept")).content);
    expect(new TextDecoder().decode(content)).toBe("from the first start");
    program.signal("SIGINT");
    expect(await program.ended).toEqual({ code: 0, signal: null });
  });

  test("a child that is killed comes back; both are said", async () => {
    await using program = local("--data-dir", join(directory.path, "main"));
    await program.said(/^ready /m);
    const pids = pidsOf(program);
    process.kill(pids[2] ?? 0, "SIGKILL");
    await program.said(/DataNode 2 ended \(SIGKILL\); starting it again/);
    await program.said(/DataNode 2 is back/);
    await withClient(async (client) => {
      await until("it votes", async () => (await client.put("files/a", "x")).acknowledged.includes(2));
    });
    process.kill(pids[0] ?? 0, "SIGKILL");
    await program.said(/the SuperNode ended \(SIGKILL\); starting it again/);
    await program.said(/the SuperNode is back/);
    await until("it knows all", () =>
      withClient(async (client) => (await client.nodes()).every(({ state }) => state === "up")),
    );
  });

  test("killed by force itself, its children end, too", async () => {
    await using program = local("--data-dir", join(directory.path, "main"));
    await program.said(/^ready /m);
    const pids = pidsOf(program);
    program.signal("SIGKILL");
    await allGone(pids);
    await portsAreFree();
  });

  test("a second signal ends it at once, with all of its children", async () => {
    await using program = local("--data-dir", join(directory.path, "main"));
    await program.said(/^ready /m);
    const pids = pidsOf(program);
    // A DataNode that does not react holds the orderly end up.
    process.kill(pids[1] ?? 0, "SIGSTOP");
    program.signal("SIGINT");
    await program.said("stopping");
    program.signal("SIGINT");
    expect(await program.ended).toEqual({ code: 130, signal: null });
    await allGone(pids);
  });

  test("a signal during the start ends it with all of its children", async () => {
    await using program = local("--data-dir", join(directory.path, "interrupted"));
    await program.said(/starting/);
    program.signal("SIGTERM");
    await program.ended;
    await portsAreFree();
  });

  test("--ephemeral: five DataNodes, nothing is left", async () => {
    const parent = join(directory.path, "ephemeral");
    await using program = local("--ephemeral", "--nodes", "5", "--data-dir", parent);
    await program.said(/^ready /m);
    const dataDir = /^data +(\S+)/m.exec(program.stdout)?.[1] ?? "";
    expect(dirname(dataDir)).toBe(parent);
    expect(existsSync(dataDir)).toBe(true);
    await withClient(async (client) => {
      expect((await client.status()).replicas).toBe(3);
      expect(await client.nodes()).toHaveLength(5);
      await client.put("files/a", "x");
    });
    program.signal("SIGTERM");
    expect((await program.ended).code).toBe(0);
    expect(existsSync(dataDir)).toBe(false);
  });
});

describe("quorumfs-local refuses", () => {
  test("a port in use", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port + 2, host, resolve));
    try {
      const dataDir = join(directory.path, "never-made");
      const { code, line } = await refusal("--data-dir", dataDir);
      expect(code).toBe(5);
      expect(line).toContain(`port ${port + 2}`);
      expect(line).toContain("DataNode 2");
      expect(existsSync(dataDir)).toBe(false);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test("a directory of other things", async () => {
    const dataDir = join(directory.path, "photos");
    await mkdir(dataDir);
    await writeFile(join(dataDir, "cat.jpg"), "");
    const { code, line } = await refusal("--data-dir", dataDir);
    expect(code).toBe(2);
    expect(line).toContain(dataDir);
    expect(existsSync(join(dataDir, "supernode"))).toBe(false);
  });

  test("a cluster of other size", async () => {
    const dataDir = join(directory.path, "main");
    expect(await refusal("--data-dir", dataDir, "--nodes", "2")).toMatchObject({
      code: 2,
      line: expect.stringContaining("--nodes 3"),
    });
    expect(await refusal("--data-dir", dataDir, "--nodes", "5", "--replicas", "5")).toMatchObject({
      code: 2,
      line: expect.stringContaining("--replicas 3"),
    });
  });

  test("a DataNode of another cluster among them", async () => {
    const other = join(directory.path, "other");
    {
      await using program = local("--data-dir", other);
      await program.said(/^ready /m);
    }
    const mixed = join(directory.path, "mixed");
    await cp(join(directory.path, "main"), mixed, { recursive: true });
    await cp(join(other, "datanode-2"), join(mixed, "datanode-2"), { recursive: true, force: true });
    const { code, line } = await refusal("--data-dir", mixed);
    expect(code).toBe(8);
    expect(line).toContain("DataNode 2");
    expect(line).toContain("cluster");
    await portsAreFree();
  });

  test("DataNodes without their SuperNode", async () => {
    const dataDir = join(directory.path, "headless");
    await cp(join(directory.path, "main", "datanode-1"), join(dataDir, "datanode-1"), { recursive: true });
    expect((await refusal("--data-dir", dataDir)).code).toBe(2);
  });

  test("a data directory in use", async () => {
    const dataDir = join(directory.path, "main");
    await using program = local("--data-dir", dataDir);
    await program.said(/^ready /m);
    const second = await freePorts({ host, count: 4, random: systemRandom() });
    const { code, line } = await refusal("--data-dir", dataDir, "--port", String(second));
    expect(code).toBe(5);
    expect(line).toContain("in use");
    await withClient((client) => client.put("files/still", "x"));
  });

  test.each([
    [["--nodes", "0"]],
    [["--nodes", "many"]],
    [["--replicas", "4"]],
    [["--port", "70000"]],
    [["--unknown"]],
    [["surplus"]],
  ])("%j", async (args) => {
    expect((await refusal(...args)).code).toBe(2);
  });

  test("a disk that is nearly full", () => {
    const path = join(directory.path, "full");
    const prepare = () => prepareDataDirectory({ path, nodes: 3, replicas: 3, freeBytesMin: 2 ** 60 });
    expect(prepare).toThrow(/only .* are free .* needs 1 EiB|needs/);
    expect(prepare).toThrow(expect.objectContaining({ code: "resource_exhausted" }));
  });
});

describe("settings", () => {
  test("--print-config: flag above environment above default", async () => {
    const program = new Program(binary("local"), ["--print-config", "--nodes", "5"], {
      QUORUMFS_NODES: "4",
      QUORUMFS_PORT: "9000",
    });
    expect((await program.ended).code).toBe(0);
    expect(JSON.parse(program.stdout)).toMatchObject({ nodes: 5, port: 9000, replicas: 3, host });
  });

  test("--help and --version", async () => {
    const help = new Program(binary("local"), ["--help"]);
    expect((await help.ended).code).toBe(0);
    for (const flag of ["--nodes", "--port", "--data-dir", "--ephemeral", "--replicas"])
      expect(help.stdout).toContain(flag);
    const version = new Program(binary("local"), ["--version"]);
    expect((await version.ended).code).toBe(0);
    expect(version.stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/);
  });
});
