import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type LocalCluster, startCluster } from "../../src/index.js";
import { temporaryDirectory, type TemporaryDirectory } from "../../src/adapters/temporary-directory.js";
import { binary, buildOnce, buildTimeoutMs } from "./built.js";
import { Program } from "./program.js";

let cluster: LocalCluster;
let directory: TemporaryDirectory;

beforeAll(async () => {
  buildOnce();
  directory = await temporaryDirectory("quorumfs-test-");
  cluster = await startCluster({ nodes: 3 });
}, buildTimeoutMs);

afterAll(async () => {
  await cluster.close();
  await directory.remove();
});

async function quorumfs(...args: string[]) {
  const program = new Program(binary("client"), args, { QUORUMFS_ENDPOINT: cluster.endpoints.join(",") });
  const { code } = await program.ended;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

describe("quorumfs as a process", () => {
  test("a file goes in and comes out; conditions and missing files have their exit codes", async () => {
    const file = join(directory.path, "notes.txt");
    await writeFile(file, "Bring milk.\n");
    expect(await quorumfs("put", file, "files/notes.txt", "-o", "jsonl")).toMatchObject({ code: 0 });
    expect(await quorumfs("cat", "files/notes.txt")).toEqual({ code: 0, stdout: "Bring milk.\n", stderr: "" });
    expect(await quorumfs("put", file, "files/notes.txt", "--if-absent")).toMatchObject({
      code: 4,
      stderr: "quorumfs: files/notes.txt was to be absent, but it has version 1\n",
    });
    expect(await quorumfs("rm", "files/notes.txt")).toMatchObject({ code: 0 });
    expect(await quorumfs("cat", "files/notes.txt")).toMatchObject({ code: 3, stdout: "" });
    expect(await quorumfs("cat", "files/../notes.txt")).toMatchObject({ code: 2 });
  });

  test.each([
    [["quorumfs", "bu"], "bucket"],
    [["quorumfs", "bucket", ""], "create"],
    [["quorumfs", "put", "--if"], "--if-absent"],
  ])("completion of %j offers %s", async (words, offered) => {
    const { code, stdout } = await quorumfs("--get-yargs-completions", ...words);
    expect(code).toBe(0);
    expect(stdout.split("\n")).toContain(offered);
  });
});
