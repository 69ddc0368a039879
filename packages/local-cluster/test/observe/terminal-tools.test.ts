import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type LocalCluster, startCluster } from "../../src/index.js";
import { binary, buildOnce, buildTimeoutMs } from "../processes/built.js";
import { Program } from "../processes/program.js";

let cluster: LocalCluster;

beforeAll(async () => {
  buildOnce();
  cluster = await startCluster({ nodes: 3 });
}, buildTimeoutMs);

afterAll(() => cluster.close());

function start(...args: string[]): Program {
  return new Program(binary("client"), args, { QUORUMFS_ENDPOINT: cluster.endpoints.join(",") });
}

async function quorumfs(...args: string[]) {
  const program = start(...args);
  const { code } = await program.ended;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

/** What a terminal acts upon, save the ends of lines. */
const acted = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/u;

interface TopLine {
  readonly nodes: readonly { readonly node: number; readonly state: string }[];
  readonly total: { readonly answered: number };
}

const linesOf = (program: Program): readonly TopLine[] =>
  program.stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as TopLine);

describe("the terminal tools, each a process", () => {
  test("doctor: a new cluster has no errors; every disk was measured and every node reached", async () => {
    const { code, stdout, stderr } = await quorumfs("doctor", "-o", "json");
    const { findings } = JSON.parse(stdout) as { findings: { check: string; level: string; message: string }[] };
    const errors = findings.filter(({ level }) => level === "error");
    expect({ code, stderr }).toEqual({ code: errors.length > 0 ? 1 : 0, stderr: "" });
    // How fast and how full the disk of this machine is, is not the cluster's fault.
    expect(errors.filter(({ check }) => check !== "disks" && check !== "space")).toEqual([]);
    const messageOf = (name: string) => findings.find(({ check }) => check === name)?.message;
    expect(messageOf("ports")).toMatch(/^3 of 3 DataNodes can be reached from here/);
    expect(messageOf("disks")).toMatch(/ of 3, /);
    // All members and this command run on one machine.
    expect(messageOf("clocks")).toMatch(/^all within/);
    expect(messageOf("nodejs")).toBe(`Node.js ${process.version}`);
  });

  test("top without a terminal: tables, and no escape sequence; SIGINT ends it", async () => {
    const client = await cluster.client();
    await client.put("files/\u202egnp.exe", "content");
    await using top = start("top");
    await top.said(/NODE {2}STATE[^]*\n +3 {2}up/);
    for (let round = 0; round < 20; round += 1) await client.get("files/\u202egnp.exe");
    await top.said(/files\/\\u202egnp\.exe/);
    top.signal("SIGINT");
    expect(await top.ended).toMatchObject({ code: 130 });
    expect(top.stdout).not.toMatch(acted);
    expect(top.stderr).toBe("");
  });

  test("events -f and top -o json: a DataNode's death, and on over a restart of the SuperNode", async () => {
    await using events = start("events", "-f", "-o", "json");
    await using top = start("top", "-o", "json");
    await events.said("cluster.formed");
    await top.said(/"state":"up"/);
    await cluster.kill(3);
    await events.said("node.down");
    await top.said(/"state":"down"/);

    const { code, stdout } = await quorumfs("doctor", "--quiet", "--no-disk");
    expect(code).toBe(1);
    expect(stdout).toMatch(/^error {4}nodes {6}node 3 at \S+ is down for .*\n {20}-> start it again/m);

    await cluster.kill("supernode");
    expect(await quorumfs("events", "--timeout", "1s")).toMatchObject({ code: 5, stdout: "" });
    const away = await quorumfs("doctor", "--timeout", "1s");
    expect(away).toMatchObject({ code: 1, stderr: "" });
    expect(away.stdout).toMatch(/^error {4}supernode {2}no SuperNode answers/);
    const before = linesOf(top).length;
    await cluster.restart("supernode");
    await cluster.restart(3);
    await events.said("node.back");
    await cluster.waitUntil("top goes on", () => linesOf(top).length > before + 1);
    await cluster.waitUntil("it shows the node", () => linesOf(top).at(-1)?.nodes[2]?.state === "up");

    for (const program of [events, top]) program.signal("SIGTERM");
    await Promise.all([events.ended, top.ended]);
    const ids = events.stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { id: number }).id);
    expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b));
  });

  test.each([
    [["quorumfs", "to"], "top"],
    [["quorumfs", "top", "--int"], "--interval"],
  ])("completion of %j offers %s", async (words, offered) => {
    const { stdout } = await quorumfs("--get-yargs-completions", ...words);
    expect(stdout.split("\n")).toContain(offered);
  });
});
