import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { QuorumError } from "@quorumfs/core";
import { createLog, type LogLevel } from "@quorumfs/runtime";
import { type TemporaryDirectory, temporaryDirectory } from "./temporary-directory.js";

describe("process log", () => {
  let directory: TemporaryDirectory;

  beforeEach(async () => {
    directory = await temporaryDirectory();
  });

  afterEach(() => directory.remove());

  function open(level: LogLevel) {
    return createLog({ component: "datanode", id: 2, directory: directory.path, level, console: "none" });
  }

  async function lines(): Promise<readonly Record<string, unknown>[]> {
    const text = await readFile(join(directory.path, "datanode-2.log"), "utf8");
    return text
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  test("closing waits until everything is in the file", async () => {
    const log = open("info");
    for (let index = 0; index < 2000; index += 1) log.info("tick", { index });
    await log.close();
    await log.close();
    expect(await lines()).toHaveLength(2000);
  });

  test("an event is a line with its fields, and says whose it is, whatever they are called", async () => {
    const log = open("info");
    log.child({ peer: 3 }).warn("peer.lost", { id: 99, component: "x", reason: "gone" });
    await log.close();
    const [line] = await lines();
    expect(line).toMatchObject({
      level: "warn",
      message: "peer.lost",
      peer: 3,
      reason: "gone",
      id: 2,
      component: "datanode",
    });
  });

  test("what is below the level leaves no trace", async () => {
    const log = open("warn");
    log.info("nothing");
    log.debug("nothing");
    log.child({ a: 1 }).info("nothing");
    log.error("something");
    await log.close();
    expect((await lines()).map(({ message }) => message)).toEqual(["something"]);
  });

  test("errors tell code and cause", async () => {
    const log = open("info");
    const cause = new Error("EIO");
    log.error("disk.failed", { error: new QuorumError({ code: "unavailable", message: "the disk refused", cause }) });
    await log.close();
    const [line] = await lines();
    expect(line).toMatchObject({
      error: { code: "unavailable", message: "the disk refused", cause: { message: "EIO" } },
    });
  });

  test("a directory that cannot be written: said at the start; gone later: the process goes on", async () => {
    await writeFile(join(directory.path, "file"), "");
    const below = join(directory.path, "file", "logs");
    const options = { component: "x", level: "info", console: "none" } as const;
    expect(() => createLog({ ...options, directory: below })).toThrow("cannot write logs to");
    const gone = join(directory.path, "gone");
    const log = createLog({ ...options, directory: gone });
    await rm(gone, { recursive: true });
    log.info("nobody.hears");
    await log.close();
  });
});
