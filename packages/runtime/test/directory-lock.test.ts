import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { lockDirectory } from "../src/adapters/directory-lock.js";
import { type TemporaryDirectory, temporaryDirectory } from "./temporary-directory.js";

/** Above what any system gives out: the process does not exist. */
const nobody = 2 ** 22 + 1;

describe("directory lock", () => {
  let directory: TemporaryDirectory;
  let path: string;

  beforeEach(async () => {
    directory = await temporaryDirectory();
    path = join(directory.path, "LOCK");
  });

  afterEach(() => directory.remove());

  test("names this process, and is gone when released, twice or not", async () => {
    const unlock = lockDirectory(directory.path);
    expect((await readFile(path, "utf8")).split(" ")[0]).toBe(String(process.pid));
    unlock();
    unlock();
    expect(await readdir(directory.path)).toEqual([]);
  });

  test("is held against this very process too", () => {
    const unlock = lockDirectory(directory.path);
    expect(() => lockDirectory(directory.path)).toThrow(`in use by process ${process.pid}`);
    unlock();
  });

  test.each([
    ["a process that does not exist", `${nobody} 1\n`],
    ["an id that was given again to another process", `${process.ppid} 1\n`],
    ["this process's own id, from before a restart of the machine", `${process.pid} 1\n`],
    ["nothing", ""],
  ])("left behind by %s: taken over", async (_what, content) => {
    await writeFile(path, content);
    const unlock = lockDirectory(directory.path);
    expect((await readFile(path, "utf8")).split(" ")[0]).toBe(String(process.pid));
    expect(await readdir(directory.path)).toEqual(["LOCK"]);
    unlock();
  });

  test("held by a living process: refused, and left as it was", async () => {
    const content = `${process.ppid} ${await startOf(process.ppid)}\n`;
    await writeFile(path, content);
    expect(() => lockDirectory(directory.path)).toThrow(`in use by process ${process.ppid}`);
    expect(await readFile(path, "utf8")).toBe(content);
    expect(await readdir(directory.path)).toEqual(["LOCK"]);
  });

  test("held by a process that was killed, and that nobody has waited for: taken over", async () => {
    // The shell becomes a program that never waits for the child that it has started before.
    const parent = spawn("sh", ["-c", "sleep 0 & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", "inherit"] });
    const [output] = (await once(parent.stdout, "data")) as [Buffer];
    const zombie = Number(output.toString());
    const until = performance.now() + 10_000;
    while (!(await isZombie(zombie)) && performance.now() < until)
      await new Promise((resolve) => setImmediate(resolve));
    await writeFile(path, `${zombie} ${await startOf(zombie)}\n`);
    const unlock = lockDirectory(directory.path);
    unlock();
    parent.kill();
    await once(parent, "close");
  });

  test("a directory that cannot be made says why", async () => {
    await writeFile(join(directory.path, "file"), "");
    expect(() => lockDirectory(join(directory.path, "file", "below"))).toThrow("cannot use");
  });
});

async function isZombie(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") Z");
  return stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z");
}

async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "-";
}
