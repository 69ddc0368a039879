import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { composeServices, readText, type Service, unitService, valueIn } from "../../../../deploy/src/services.js";
import { binaries, type Binary, run, settingsOf } from "../../../../deploy/src/settings-reference.js";
import { temporaryDirectory } from "../../src/adapters/temporary-directory.js";
import { buildOnce, buildTimeoutMs, clone } from "../processes/built.js";

const units = ["quorumfs-supernode.service", "quorumfs-datanode@.service"];
const services: readonly Service[] = [
  ...composeServices(),
  unitService({ unit: "quorumfs-supernode.service", settings: "supernode.env" }),
  unitService({ unit: "quorumfs-datanode@.service", settings: "datanode.env", instance: "7001" }),
];

const variables = new Map<Binary, readonly string[]>();

beforeAll(() => {
  buildOnce();
  for (const binary of binaries) {
    const names = settingsOf(binary).map(({ flag }) => `QUORUMFS_${flag.replaceAll("-", "_").toUpperCase()}`);
    variables.set(binary, names);
  }
}, buildTimeoutMs);

describe("deploy", () => {
  test.each(services)("$name: its binary takes all that it is told", ({ binary, args, environment }) => {
    const config: unknown = JSON.parse(run(binary, [...args, "--print-config"], environment));
    expect(config).toEqual(expect.any(Object));
    expect(variables.get(binary)).toEqual(expect.arrayContaining(Object.keys(environment)));
  });

  test("compose: DataNodes stand in different zones, and advertise the names that they have", () => {
    const nodes = composeServices().filter(({ binary }) => binary === "quorumfs-datanode");
    expect(nodes.length).toBeGreaterThanOrEqual(3);
    expect(new Set(nodes.map(({ environment }) => environment["QUORUMFS_ZONE"])).size).toBe(nodes.length);
    for (const { name, environment } of nodes) expect(environment["QUORUMFS_ADVERTISE"]).toBe(`${name}:7001`);
  });

  test.each(units)("%s: runs what is there, and waits longer than a process takes to close", (unit) => {
    const text = readText(`deploy/systemd/${unit}`);
    const script = valueIn(text, "ExecStart").replace("/opt/quorumfs/", clone);
    accessSync(script, constants.X_OK);
    expect(Number(valueIn(text, "TimeoutStopSec"))).toBeGreaterThan(15);
    const settings = valueIn(text, "EnvironmentFile").replace("/etc/quorumfs/", "deploy/systemd/");
    expect(readText(settings)).toContain("QUORUMFS_");
  });

  test("systemd understands the units, where it is there", async () => {
    if (spawnSync("systemd-analyze", ["--version"]).status !== 0) return;
    const directory = await temporaryDirectory("quorumfs-units-");
    try {
      for (const unit of units) {
        const path = join(directory.path, unit.replace("@", "@7001"));
        await writeFile(path, readText(`deploy/systemd/${unit}`).replaceAll("/opt/quorumfs/", clone));
        const { status, stderr } = spawnSync("systemd-analyze", ["verify", path], { encoding: "utf8" });
        // It also looks at the units of this machine, about which it may complain.
        expect(stderr.split("\n").filter((line) => line.includes("quorumfs"))).toEqual([]);
        expect(status).toBe(0);
      }
    } finally {
      await directory.remove();
    }
  });
});
