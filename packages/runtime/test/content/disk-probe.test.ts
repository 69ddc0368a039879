import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { Clock } from "@quorumfs/core";
import { nodeFileSystem, processFacts, systemClock } from "@quorumfs/runtime";
import { diskProbe } from "../../src/content/disk-probe.js";
import { type TemporaryDirectory, temporaryDirectory } from "../temporary-directory.js";
import { FaultyFileSystem } from "./faulty-file-system.js";

let temporary: TemporaryDirectory;

beforeEach(async () => {
  temporary = await temporaryDirectory();
});

afterEach(() => temporary.remove());

function open(clock: Clock = systemClock()) {
  const directory = temporary.path;
  const fileSystem = new FaultyFileSystem(nodeFileSystem);
  return { directory, fileSystem, probe: diskProbe({ fileSystem, directory, clock }) };
}

describe("disk probe", () => {
  it("every file synced and removed", async () => {
    const { directory, fileSystem, probe } = open();
    // As a crash leaves it.
    writeFileSync(join(directory, "disk-probe"), "old");
    const tookMs = await probe.measure(5);
    expect(tookMs).toHaveLength(5);
    for (const ms of tookMs) expect(ms).toBeGreaterThan(0);
    expect(fileSystem.count("sync")).toBe(5);
    expect(fileSystem.descriptors).toBe(0);
    expect(readdirSync(directory)).toEqual([]);
  });

  it("a slow disk: ends when the time is up", async () => {
    let nowMs = 0;
    const clock: Clock = { ...systemClock(), nowMs: () => (nowMs += 700) };
    const { probe } = open(clock);
    expect((await probe.measure(100)).length).toBeLessThan(3);
  });

  it("one at a time", async () => {
    const { fileSystem, probe } = open();
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    fileSystem.waitWhen(({ operation }) => (operation === "sync" ? held : undefined));
    const first = probe.measure(1);
    await expect(probe.measure(1)).rejects.toMatchObject({ code: "resource_exhausted" });
    release();
    expect(await first).toHaveLength(1);
    expect(await probe.measure(1)).toHaveLength(1);
  });

  it.each([
    ["ENOSPC", "resource_exhausted"],
    ["EIO", "internal"],
  ])("%s: %s, and nothing stays", async (fault, code) => {
    const { directory, fileSystem, probe } = open();
    fileSystem.failWhen(({ operation }) => (operation === "sync" ? fault : undefined));
    await expect(probe.measure(3)).rejects.toMatchObject({ code });
    expect(fileSystem.descriptors).toBe(0);
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe("process facts", () => {
  it("the version of Node.js; on Linux the file descriptors", () => {
    const facts = processFacts();
    expect(facts.runtimeVersion).toBe(process.version);
    if (process.platform !== "linux") return;
    expect(facts.filesOpen).toBeGreaterThan(2);
    expect(facts.filesMax).toBeGreaterThanOrEqual(facts.filesOpen);
  });
});
