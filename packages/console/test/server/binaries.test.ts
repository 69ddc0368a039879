import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { freePorts, temporaryDirectory, type TemporaryDirectory } from "@quorumfs/local-cluster";
import { systemRandom } from "@quorumfs/runtime";
import { binary, buildOnce, buildTimeoutMs } from "../../../local-cluster/test/processes/built.js";
import { Program } from "../../../local-cluster/test/processes/program.js";
import type { About, ClusterView } from "../../src/api.js";
import { ask } from "../support/ask.js";

const host = "127.0.0.1";
const token = "a-token-of-some-length";
let directory: TemporaryDirectory;

beforeAll(async () => {
  buildOnce();
  directory = await temporaryDirectory("quorumfs-console-");
}, buildTimeoutMs);

afterAll(() => directory.remove());

let runs = 0;

function superNode(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Program {
  runs += 1;
  const own = join(directory.path, `run-${runs}`);
  const where = ["--port", "0", "--data-dir", own, "--log-dir", join(own, "logs"), "--log-format", "none"];
  return new Program(binary("supernode"), [...where, ...args], environment);
}

const urlIn = ({ stdout }: Program) => /^console +(http:\S+)$/m.exec(stdout)?.[1] ?? "";

describe("quorumfs-supernode", () => {
  test("serves the console and its metrics, says where, and ends in order while tabs are open", async () => {
    await using program = superNode(["--console-port", "0"]);
    await program.said(/^ready /m);
    const url = urlIn(program);
    expect((await ask(url, "/api/about")).json as About).toMatchObject({ tokenNeeded: false, authorised: true });
    expect((await ask(url, "/")).text).toContain("<!doctype html>");
    const { text } = await ask(url, "/metrics");
    expect(text).toMatch(/^quorumfs_build_info\{process="quorumfs-supernode"/m);
    expect(text).toMatch(/^# HELP quorumfs_supernode_/m);
    const cluster = (await ask(url, "/api/cluster")).json as ClusterView;
    expect(cluster).toMatchObject({ connected: true, ready: false, layout: null });
    const streams = [1, 2, 3].map(() => ask(url, "/api/stream").catch(() => undefined));
    program.signal("SIGTERM");
    expect(await program.ended).toEqual({ code: 0, signal: null });
    await Promise.all(streams);
  });

  test("off: no console", async () => {
    await using program = superNode(["--console-port", "off"]);
    await program.said(/^ready /m);
    expect(urlIn(program)).toBe("");
  });

  test("on an address that others reach: with a token only", async () => {
    await using without = superNode(["--console-host", "0.0.0.0", "--console-port", "0"]);
    expect(await without.ended).toEqual({ code: 2, signal: null });
    expect(without.stderr).toMatch(/^quorumfs-supernode: the console on 0\.0\.0\.0 .* token/);
    const file = join(directory.path, "token");
    await writeFile(file, `${token}\n`);
    await using with_ = superNode(["--console-host", "0.0.0.0", "--console-port", "0", "--console-token-file", file]);
    await with_.said(/^ready /m);
    expect((await ask(urlIn(with_), "/api/cluster")).status).toBe(401);
    const headers = { Authorization: `Bearer ${token}` };
    expect((await ask(urlIn(with_), "/api/cluster", { headers })).status).toBe(200);
  });

  test("the token is not among the settings that are printed", async () => {
    await using program = superNode(["--print-config"], { QUORUMFS_CONSOLE_TOKEN: token });
    expect(await program.ended).toEqual({ code: 0, signal: null });
    expect(program.stdout).toContain('"token": "(secret)"');
    expect(program.stdout + program.stderr).not.toContain(token);
  });

  test("a token's file that is not there: one line, and the exit code of a wrong setting", async () => {
    await using program = superNode(["--console-token-file", "/nowhere/token"]);
    expect(await program.ended).toEqual({ code: 2, signal: null });
    expect(program.stderr.trimEnd().split("\n")).toHaveLength(1);
  });
});

describe("quorumfs-local", () => {
  test("prints where the console is; every DataNode's metrics are among its targets", async () => {
    const port = await freePorts({ host, count: 2, random: systemRandom() });
    const args = [
      "--nodes",
      "1",
      "--port",
      String(port),
      "--console-port",
      "0",
      "--data-dir",
      directory.path,
      "--ephemeral",
    ];
    await using program = new Program(binary("local"), args);
    await program.said(/^ready /m);
    const url = urlIn(program);
    expect((await ask(url, "/api/cluster")).json as ClusterView).toMatchObject({ connected: true, ready: true });
    const targets = (await ask(url, "/metrics/targets")).json as {
      targets: string[];
      labels: Record<string, string>;
    }[];
    expect(targets.map(({ labels }) => labels["process"])).toEqual(["supernode", "datanode"]);
    for (const { targets: addresses } of targets) {
      expect((await ask(`http://${addresses[0]}`, "/metrics")).text).toMatch(/^quorumfs_build_info\{/m);
    }
  });
});
