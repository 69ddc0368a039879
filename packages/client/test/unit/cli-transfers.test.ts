import { chmod, mkdir, readdir, readFile, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { QuorumError } from "@quorumfs/core";
import { CliBench } from "../fakes/cli.js";
import { MemoryCluster } from "../fakes/memory-cluster.js";

const large = Buffer.alloc(17 * 1024 * 1024, "large ");
const unavailable = (): QuorumError => new QuorumError({ code: "unavailable", message: "nobody answers" });

let cluster: MemoryCluster;
let bench: CliBench;

beforeEach(() => {
  cluster = new MemoryCluster();
  bench = new CliBench(cluster);
});

afterEach(() => bench.close());

describe("put", () => {
  it("file to a full name; size is told, nothing is buffered", async () => {
    await bench.write({ "a.bin": large });
    const { code, out } = await bench.run(["put", bench.path("a.bin"), "files/a.bin", "-o", "json"]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject([{ name: "files/a.bin", size: large.length, local: bench.path("a.bin") }]);
    expect(cluster.files.get("files/a.bin")?.content.equals(large)).toBe(true);
    expect(cluster.puts[0]?.options.size).toBe(large.length);
  });

  it("standard input of unknown length", async () => {
    const { code } = await bench.run(["put", "-", "files/a"], { input: ["one ", "two"] });
    expect(code).toBe(0);
    expect(cluster.contents).toEqual({ "files/a": "one two" });
    expect(cluster.puts[0]?.options.size).toBeUndefined();
  });

  it("standard input, interrupted: whoever can repeat it is told how", async () => {
    const requestId = "ab".repeat(16);
    const input = Array.from({ length: 20 }, () => "x".repeat(1024 * 1024));
    cluster.onPiece = (_name, bytes) => {
      if (bytes > 17 * 1024 * 1024) {
        throw new QuorumError({ code: "unavailable", message: "nobody answers", details: { requestId } });
      }
    };
    const { code, err } = await bench.run(["put", "-", "files/a"], { input });
    expect(code).toBe(5);
    expect(err).toContain(`send the same again with --repeat ${requestId}`);
    cluster.onPiece = () => undefined;
    expect(await bench.run(["put", "-", "files/a", "--repeat", requestId], { input })).toMatchObject({ code: 0 });
    expect(cluster.puts.at(-1)?.options).toMatchObject({ requestId, resume: true });
  });

  it("append from standard input and from a file", async () => {
    cluster.seed({ "files/log": "1\n" });
    await bench.write({ more: "3\n" });
    expect(await bench.run(["put", "-", "files/log", "--append"], { input: ["2\n"] })).toMatchObject({ code: 0 });
    expect(await bench.run(["put", bench.path("more"), "files/log", "--append"])).toMatchObject({ code: 0 });
    expect(cluster.contents).toEqual({ "files/log": "1\n2\n3\n" });
  });

  it.each([[["--if-absent"]], [["--resume"]], [["--if-version", "3"]], [["--attribute", "a=b"]]])(
    "append with %j: refused",
    async (flags) => {
      const { code, err } = await bench.run(["put", "-", "files/log", "--append", ...flags], { input: ["2\n"] });
      expect(code).toBe(2);
      expect(err).toBe("quorumfs: --append goes with no condition, attribute, --repeat or --resume\n");
    },
  );

  it("directory; mirrors what get -r brings", async () => {
    await bench.write({ "site/index.html": "i", "site/css/main.css": "m", "site/.hidden": "h" });
    expect(await bench.run(["put", "-r", bench.path("site"), "files/www"])).toMatchObject({ code: 0 });
    expect(cluster.contents).toEqual({
      "files/www/index.html": "i",
      "files/www/css/main.css": "m",
      "files/www/.hidden": "h",
    });
    expect(await bench.run(["get", "-r", "files/www", bench.path("copy")])).toMatchObject({ code: 0 });
    expect(await bench.read("copy")).toEqual(await bench.read("site"));
  });

  it("directory with what cannot be sent: the rest goes on, exit code 9, each is told", async () => {
    await bench.write({ "d/a": "a", "d/b\nc": "control", "d/z": "z" });
    await symlink("a", bench.path("d/link"));
    await writeFile(Buffer.concat([Buffer.from(bench.path("d/")), Buffer.from([0x66, 0xff])]), "latin");
    const { code, err } = await bench.run(["put", "-r", bench.path("d"), "files/d"]);
    expect(cluster.contents).toEqual({ "files/d/a": "a", "files/d/z": "z" });
    expect(code).toBe(9);
    expect(err.split("\n")).toEqual([
      expect.stringMatching(/b\\u000ac: path ".*" has a control character$/),
      expect.stringMatching(/f\ufffd cannot be stored: its name is not UTF-8$/),
      expect.stringMatching(/d\/link is a symbolic link; say --links follow or --links skip$/),
      "quorumfs: 3 files failed, 2 done",
      "",
    ]);
  });

  it("links: followed, and skipped", async () => {
    await bench.write({ "d/a": "a", "other/b": "b" });
    await symlink(bench.path("other"), bench.path("d/link"));
    await symlink("..", bench.path("d/up"));
    const followed = await bench.run(["put", "-r", bench.path("d"), "files/f", "--links", "follow"]);
    expect(followed).toMatchObject({ code: 9, err: expect.stringContaining("leads back to where it is in") });
    expect(cluster.contents).toMatchObject({ "files/f/a": "a", "files/f/link/b": "b" });
    expect(await bench.run(["put", "-r", bench.path("d"), "files/s", "--links", "skip"])).toMatchObject({ code: 0 });
    expect([...cluster.files.keys()].filter((name) => name.startsWith("files/s"))).toEqual(["files/s/a"]);
  });

  it("all of several fail: the first failure's exit code", async () => {
    await bench.write({ "d/a": "a", "d/b": "b" });
    cluster.onPiece = () => {
      throw new QuorumError({ code: "quorum_unavailable", message: "too few answer" });
    };
    expect(await bench.run(["put", "-r", bench.path("d"), "files/d"])).toMatchObject({ code: 6 });
  });

  it("several, of which one does not exist: the others are sent", async () => {
    await bench.write({ a: "a", z: "z" });
    const { code, err } = await bench.run(["put", bench.path("a"), bench.path("nope"), bench.path("z"), "files/"]);
    expect({ code, err }).toMatchObject({
      code: 9,
      err: expect.stringMatching(/nope does not exist\n.*1 file failed, 2 done/),
    });
    expect(cluster.contents).toEqual({ "files/a": "a", "files/z": "z" });
  });

  it("two files that would get one name: the second is refused", async () => {
    await bench.write({ "x/a": "1", "y/a": "2" });
    const { code, err } = await bench.run(["put", bench.path("x/a"), bench.path("y/a"), "files/"]);
    expect(code).toBe(9);
    expect(cluster.contents).toEqual({ "files/a": "1" });
    expect(err).toContain("another file that was given is files/a already");
  });

  it.each([
    ["grows", (path: string) => writeFile(path, "more", { flag: "a" }), "it grew"],
    ["shrinks", (path: string) => truncate(path, 1024 * 1024), "it shrank"],
    ["is written to", (path: string) => writeFile(path, "x", { flag: "r+" }), "it was written to"],
  ])("file that %s while it is read: nothing is stored", async (_, change, how) => {
    await bench.write({ "a.bin": large });
    const changes: Promise<void>[] = [];
    // Reading waits for the change: pieces are asked for one by one.
    cluster.put = async (name, content, options) => {
      let isFirst = true;
      const changing = async function* (): AsyncGenerator<Uint8Array> {
        for await (const piece of content as AsyncIterable<Uint8Array>) {
          if (isFirst) await change(bench.path("a.bin"));
          isFirst = false;
          yield piece;
        }
      };
      return MemoryCluster.prototype.put.call(cluster, name, changing(), options);
    };
    const { code, err } = await bench.run(["put", bench.path("a.bin"), "files/a.bin"]);
    await Promise.all(changes);
    expect(code).toBe(4);
    expect(err).toContain(how);
    expect(cluster.files.size).toBe(0);
  });

  it("large file, interrupted: --resume goes on with the same request id; a note is left only meanwhile", async () => {
    await bench.write({ "a.bin": large });
    cluster.onPiece = (_, bytes) => {
      if (bytes > 5_000_000) throw unavailable();
    };
    const interrupted = await bench.run(["put", bench.path("a.bin"), "files/a.bin"]);
    expect(interrupted).toMatchObject({
      code: 5,
      err: expect.stringContaining("run the same command again with --resume"),
    });
    expect(await readdir(bench.path("state/quorumfs/uploads"))).toHaveLength(1);
    cluster.onPiece = () => undefined;
    expect(await bench.run(["put", bench.path("a.bin"), "files/a.bin", "--resume"])).toMatchObject({ code: 0 });
    const [first, second] = cluster.puts.map(({ options }) => options);
    expect(first).toMatchObject({ requestId: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect(first?.resume).toBeUndefined();
    expect(second).toMatchObject({ requestId: first?.requestId, resume: true });
    expect(await readdir(bench.path("state/quorumfs/uploads"))).toEqual([]);
  });

  it.each([
    ["without --resume", "files/a.bin", [], undefined],
    ["to another name", "files/b.bin", ["--resume"], undefined],
    ["of a changed file", "files/a.bin", ["--resume"], Buffer.alloc(large.length, "other")],
  ])("after an interruption, %s: begins anew", async (_, target, flags, changed) => {
    await bench.write({ "a.bin": large });
    cluster.onPiece = (_name, bytes) => {
      if (bytes > 5_000_000) throw unavailable();
    };
    await bench.run(["put", bench.path("a.bin"), "files/a.bin"]);
    cluster.onPiece = () => undefined;
    if (changed) await bench.write({ "a.bin": changed });
    expect(await bench.run(["put", bench.path("a.bin"), target, ...flags])).toMatchObject({ code: 0 });
    const [first, second] = cluster.puts.map(({ options }) => options);
    expect(second?.requestId).not.toBe(first?.requestId);
    expect(second?.resume).toBeUndefined();
  });

  it("after more than a day there is nothing to go on with, and the note goes", async () => {
    await bench.write({ "a.bin": large, "b.bin": large });
    cluster.onPiece = (_name, bytes) => {
      if (bytes > 5_000_000) throw unavailable();
    };
    await bench.run(["put", bench.path("a.bin"), "files/a.bin"]);
    const notes = bench.path("state/quorumfs/uploads");
    const [note = ""] = await readdir(notes);
    const longAgo = Date.now() / 1000 - 25 * 60 * 60;
    await utimes(join(notes, note), longAgo, longAgo);
    cluster.onPiece = () => undefined;
    await bench.run(["put", bench.path("b.bin"), "files/b.bin"]);
    expect(await readdir(notes)).toEqual([]);
    await bench.run(["put", bench.path("a.bin"), "files/a.bin", "--resume"]);
    expect(cluster.puts.at(-1)?.options.resume).toBeUndefined();
  });

  it("--resume of something small just uploads", async () => {
    await bench.write({ a: "a" });
    expect(await bench.run(["put", bench.path("a"), "files/a", "--resume"])).toMatchObject({ code: 0, err: "" });
  });

  it("an error that is final leaves no note", async () => {
    await bench.write({ "a.bin": large });
    expect(await bench.run(["put", bench.path("a.bin"), "files/a.bin", "--if-version", "7"])).toMatchObject({
      code: 4,
    });
    expect(await readdir(bench.path("state/quorumfs/uploads"))).toEqual([]);
  });

  it("a state directory that cannot be written: uploads all the same, and says so", async () => {
    await bench.write({ "a.bin": large, state: "a file" });
    const { code, err } = await bench.run(["put", bench.path("a.bin"), "files/a.bin"]);
    expect(code).toBe(0);
    expect(err).toMatch(/if this is interrupted, it cannot be resumed/);
  });
});

describe("get", () => {
  it("replaces a file whole, keeps its mode, leaves nothing beside it", async () => {
    cluster.seed({ "files/a": "new" });
    await bench.write({ "d/a": "old" });
    await chmod(bench.path("d/a"), 0o640);
    expect(await bench.run(["get", "files/a", bench.path("d/a")])).toMatchObject({ code: 0 });
    expect(await bench.read("d")).toEqual({ a: "new" });
  });

  it("fails half-way: the old file stands, and nothing else", async () => {
    cluster.seed({ "files/a": "n".repeat(1_000_000) });
    await bench.write({ "d/a": "old" });
    cluster.onPiece = (_, bytes) => {
      if (bytes > 300_000) throw new QuorumError({ code: "corrupt", message: "damaged" });
    };
    expect(await bench.run(["get", "files/a", bench.path("d/a")])).toMatchObject({ code: 7 });
    expect(await bench.read("d")).toEqual({ a: "old" });
  });

  it.each([
    ["0-3", "0123"],
    ["8-", "89"],
    ["8-100", "89"],
    ["-3", "789"],
    ["-100", "0123456789"],
    ["4-4", "4"],
  ])("--range %s", async (range, expected) => {
    cluster.seed({ "files/a": "0123456789" });
    expect(await bench.run(["get", "files/a", "-", "--range", range])).toEqual({ code: 0, out: expected, err: "" });
    expect(await bench.run(["get", "files/a", bench.path("a"), `--range=${range}`])).toMatchObject({ code: 0 });
    expect(await readFile(bench.path("a"), "utf8")).toBe(expected);
  });

  it.each(["5", "-", "a-b", "5-3", "-0", "10-", "10-20"])("--range %s: refused", async (range) => {
    cluster.seed({ "files/a": "0123456789" });
    expect(await bench.run(["get", "files/a", "-", `--range=${range}`])).toMatchObject({ code: 2, out: "" });
  });

  it("--resume: keeps what has come, goes on from there, and checks all of it", async () => {
    const content = Array.from({ length: 200_000 }, (_, index) => index).join(" ");
    cluster.seed({ "files/a": content });
    cluster.onPiece = (_, bytes) => {
      if (bytes > 500_000) throw unavailable();
    };
    const first = await bench.run(["get", "files/a", bench.path("d/a"), "--resume"]);
    expect(first).toMatchObject({ code: 5, err: expect.stringContaining("run the same command again to go on") });
    expect(await readdir(bench.path("d"))).toEqual([expect.stringMatching(/^\.a\.[0-9a-f]{16}\.part$/)]);
    const asked: number[] = [];
    cluster.onPiece = (_, bytes) => void asked.push(bytes);
    expect(await bench.run(["get", "files/a", bench.path("d/a"), "--resume"])).toMatchObject({ code: 0 });
    expect(asked[0]).toBeGreaterThan(400_000);
    expect(await bench.read("d")).toEqual({ a: content });
  });

  it.each([
    ["is of another version", async () => void cluster.seed({ "files/a": "b".repeat(1_000_000) })],
    [
      "was damaged",
      async () => {
        const [part = ""] = await readdir(bench.path("d"));
        await writeFile(bench.path(`d/${part}`), "x", { flag: "r+" });
      },
    ],
    [
      "is too long",
      async () => {
        const [part = ""] = await readdir(bench.path("d"));
        await truncate(bench.path(`d/${part}`), 2_000_000);
      },
    ],
  ])("--resume when what is there %s: begins anew", async (_, spoil) => {
    cluster.seed({ "files/a": "a".repeat(1_000_000) });
    cluster.onPiece = (_name, bytes) => {
      if (bytes > 500_000) throw unavailable();
    };
    await bench.run(["get", "files/a", bench.path("d/a"), "--resume"]);
    cluster.onPiece = () => undefined;
    await spoil();
    expect(await bench.run(["get", "files/a", bench.path("d/a"), "--resume"])).toMatchObject({ code: 0 });
    expect((await bench.read("d")).a).toBe(cluster.contents["files/a"]);
  });

  it("several, of which one cannot be written: exit code 9", async () => {
    cluster.seed({ "files/d/a": "1", "files/d/a/b": "2", "files/d/c": "3" });
    const { code, err } = await bench.run(["get", "-r", "files/d", bench.path("d"), "--parallel", "1"]);
    expect(code).toBe(9);
    expect(err).toContain("a file stands where a directory is needed");
    expect(await bench.read("d")).toEqual({ a: "1", c: "3" });
  });

  it("to a directory in the place of the file: refused, and told so", async () => {
    cluster.seed({ "files/a": "1" });
    await mkdir(bench.path("d/a"), { recursive: true });
    const { code, err } = await bench.run(["get", "files/a", bench.path("d")]);
    expect(code).toBe(2);
    expect(err).toContain("a directory stands where the file is to be");
  });
});

describe("cat", () => {
  it("several, in order; one that does not exist is told of at the end", async () => {
    cluster.seed({ "files/a": "1", "files/b": "2", "files/c": "3" });
    const { code, out, err } = await bench.run(["cat", "files/c", "files/none", "files/no*", "files/a", "files/?"]);
    expect({ code, out }).toEqual({ code: 9, out: "31123" });
    expect(err.split("\n")).toHaveLength(4);
  });

  it("streams; a reader that goes away ends it quietly", async () => {
    cluster.seed({ "files/a": "a".repeat(1_000_000) });
    const { code, out, err } = await bench.run(["cat", "files/a"], { takes: 100_000 });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out.length).toBeLessThan(300_000);
  });
});

describe("rm", () => {
  it("some fail: the others are deleted, exit code 9", async () => {
    cluster.seed({ "files/a": "1", "files/c": "1" });
    expect(await bench.run(["rm", "files/a", "files/b*", "files/c"])).toMatchObject({ code: 9 });
    expect(cluster.contents).toEqual({});
  });
});

describe("status", () => {
  it("space and damage per node and in total; a node that is down has none", async () => {
    const { out } = await bench.run(["node", "list"]);
    const rows = out
      .trimEnd()
      .split("\n")
      .slice(-10, -5)
      .map((line) => line.split(/ {2,}/));
    expect(rows).toEqual([
      "NODE  RECORDS  CHUNKS  STORED  RECLAIMABLE  UPLOADING  DISK USED  DISK FREE  FULL  DAMAGED  REPAIRED".split(
        "  ",
      ),
      ["1", "5", "2", "1 KiB", "512 B", "256 B", "1 KiB", "4 KiB", "no", "3", "2"],
      ["2", "5", "2", "1 KiB", "512 B", "256 B", "1 KiB", "4 KiB", "FULL", "3", "2"],
      ["3", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-"],
      ["all", "10", "4", "2 KiB", "1 KiB", "512 B", "2 KiB", "8 KiB", "FULL", "6", "4"],
    ]);
  });
});

describe("scrub", () => {
  it("status: a row a node", async () => {
    const { code, out } = await bench.run(["scrub", "status"]);
    expect(code).toBe(0);
    expect(out).toContain("1 KiB of 4 KiB (25 %)");
  });

  it("a node that does not answer: told, exit code 9", async () => {
    const { code, out, err } = await bench.run([
      "scrub",
      "start",
      "--node",
      "1",
      "--node",
      "9",
      "--rate",
      "50MiB",
      "-o",
      "json",
    ]);
    expect(code).toBe(9);
    expect(JSON.parse(out)).toMatchObject([{ node: 1, scrub: { state: "running" } }]);
    expect(JSON.parse(err)).toMatchObject({ error: { code: "unavailable" } });
  });
});
