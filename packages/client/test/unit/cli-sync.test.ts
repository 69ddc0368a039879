import { chmod, lchown, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { QuorumError } from "@quorumfs/core";
import fc from "fast-check";
import { pairsOf } from "../../src/cli/sync/pairs.js";
import { placeOf } from "../../src/cli/sync/place.js";
import type { TreeEntry } from "../../src/cli/sync/tree.js";
import { CliBench, type Outcome } from "../fakes/cli.js";
import { MemoryCluster } from "../fakes/memory-cluster.js";

let cluster: MemoryCluster;
let bench: CliBench;

beforeEach(() => {
  cluster = new MemoryCluster();
  bench = new CliBench(cluster);
});

afterEach(() => bench.close());

const summaryOf = ({ out }: Outcome): unknown => (JSON.parse(out) as { summary: unknown }).summary;

describe("sync to a bucket", () => {
  const up = (...flags: readonly string[]): Promise<Outcome> =>
    bench.run(["sync", bench.path("site"), "files/www", ...flags]);

  beforeEach(async () => {
    await bench.write({ "site/a": "a", "site/b/c": "c", "site/b.d": "d", "site/é": "e" });
  });

  it("uploads what is missing or different, skips what is the same, keeps what else is there", async () => {
    cluster.seed({
      "files/www/a": "a",
      "files/www/b/c": "x",
      "files/www/b.d": "longer",
      "files/www/z": "z",
      "files/w": "w",
    });
    const before = cluster.files.get("files/www/a");
    const result = await up("-o", "json");
    expect(result.code).toBe(0);
    expect(summaryOf(result)).toEqual({ upload: 3, download: 0, copy: 0, delete: 0, skip: 1, bytes: 3, dryRun: false });
    expect(cluster.contents).toEqual({
      "files/www/a": "a",
      "files/www/b/c": "c",
      "files/www/b.d": "d",
      "files/www/é": "e",
      "files/www/z": "z",
      "files/w": "w",
    });
    expect(cluster.files.get("files/www/a")).toBe(before);
  });

  it("a second time: nothing to do", async () => {
    await up();
    expect(await up()).toEqual({ code: 0, out: "delete 0, skip 4: 0 B\n", err: "" });
  });

  it("--delete: what the source lacks goes, beyond the prefix nothing", async () => {
    cluster.seed({ "files/www/z": "z", "files/www/b/x": "x", "files/www2/q": "q", "files/www": "w" });
    expect(await up("--delete")).toMatchObject({ code: 0, err: "" });
    expect(Object.keys(cluster.contents).sort()).toEqual(
      ["files/www", "files/www/a", "files/www/b.d", "files/www/b/c", "files/www/é", "files/www2/q"].sort(),
    );
  });

  it("--dry-run: says the same and changes nothing", async () => {
    cluster.seed({ "files/www/z": "z", "files/www/a": "x" });
    const before = cluster.contents;
    const { code, out } = await up("--delete", "--dry-run");
    expect(code).toBe(0);
    expect(out.split("\n").sort()).toEqual(
      [
        `would upload  ${bench.path("site/a")} -> files/www/a  1 B`,
        `would upload  ${bench.path("site/b.d")} -> files/www/b.d  1 B`,
        `would upload  ${bench.path("site/b/c")} -> files/www/b/c  1 B`,
        `would upload  ${bench.path("site/é")} -> files/www/é  1 B`,
        "would delete  files/www/z",
        "upload 4, delete 1, skip 0: 4 B (nothing was changed)",
        "",
      ].sort(),
    );
    expect(cluster.contents).toEqual(before);
  });

  it("a file that fails: nothing is deleted, exit code 9", async () => {
    cluster.seed({ "files/www/z": "z" });
    cluster.onPiece = (name) => {
      if (name === "files/www/a") throw new QuorumError({ code: "quorum_unavailable", message: "too few answer" });
    };
    expect(await up("--delete")).toMatchObject({ code: 9, err: expect.stringContaining("nothing was deleted") });
    expect(cluster.contents).toMatchObject({ "files/www/z": "z", "files/www/b/c": "c" });
  });

  it("a link that is not followed: nothing is deleted; skipped, it is", async () => {
    cluster.seed({ "files/www/z": "z" });
    await symlink("a", bench.path("site/link"));
    expect(await up("--delete")).toMatchObject({ code: 9 });
    expect(cluster.contents).toHaveProperty(["files/www/z"]);
    expect(await up("--delete", "--links", "skip")).toMatchObject({ code: 0 });
    expect(cluster.contents).not.toHaveProperty(["files/www/z"]);
  });

  it("a file that somebody else writes or deletes meanwhile is left alone", async () => {
    cluster.seed({ "files/www/a": "old", "files/www/z": "z" });
    cluster.onPiece = (name) => {
      if (name !== "files/www/a") return;
      cluster.onPiece = () => undefined;
      cluster.seed({ "files/www/a": "theirs", "files/www/é": "theirs" });
    };
    const { code, err } = await up("--parallel", "1");
    expect(code).toBe(9);
    expect(err).toMatch(/files\/www\/a has version/);
    expect(cluster.contents).toMatchObject({ "files/www/a": "theirs", "files/www/é": "theirs" });
  });

  it("when nothing answers any more, the rest is not tried, and that is said", async () => {
    cluster.onPiece = () => {
      throw new QuorumError({ code: "unavailable", message: "nobody answers" });
    };
    const { code, err } = await up("--parallel", "1");
    expect(code).toBe(5);
    expect(err).toBe(
      "quorumfs: nobody answers\nquorumfs: 1 file failed, 0 done; there were more, which were not tried\n",
    );
  });

  it("names that are not valid or not UTF-8 do not put the rest out of step", async () => {
    await writeFile(Buffer.concat([Buffer.from(bench.path("site/")), Buffer.from([0x66, 0x80])]), "latin");
    cluster.seed({ "files/www/a": "a", "files/www/é": "e", "files/www/z": "z" });
    const result = await up("-o", "json");
    expect(result.code).toBe(9);
    expect(summaryOf(result)).toMatchObject({ upload: 2, skip: 2 });
  });

  it("an upload that was interrupted goes on by itself", async () => {
    await bench.write({ "site/large": Buffer.alloc(17 * 1024 * 1024) });
    cluster.onPiece = (name, bytes) => {
      if (name.endsWith("large") && bytes > 1_000_000)
        throw new QuorumError({ code: "unavailable", message: "nobody" });
    };
    await up();
    cluster.onPiece = () => undefined;
    expect(await up()).toMatchObject({ code: 0 });
    const [first, second] = cluster.puts.filter(({ name }) => name.endsWith("large")).map(({ options }) => options);
    expect(second).toMatchObject({ resume: true, requestId: first?.requestId });
  });

  it("an interrupted upload that had taken effect and was overwritten since: uploads anew", async () => {
    const large = Buffer.alloc(17 * 1024 * 1024, "mine");
    await bench.write({ "site/large": large });
    cluster.put = async (name, content, options) => {
      await MemoryCluster.prototype.put.call(cluster, name, content, options);
      if (name.endsWith("large")) throw new QuorumError({ code: "unknown_outcome", message: "lost the answer" });
      return cluster.stat(name);
    };
    expect(await up()).toMatchObject({ code: 9 });
    const { file: early } = await cluster.stat("files/www/large");
    cluster.seed({ "files/www/large": "theirs" });
    cluster.put = async (name, content, options) => {
      // The cluster knows the request id.
      if (options?.resume) return { ...(await cluster.stat(name)), file: early };
      return MemoryCluster.prototype.put.call(cluster, name, content, options);
    };
    expect(await up()).toMatchObject({ code: 0 });
    expect(cluster.files.get("files/www/large")?.content.equals(large)).toBe(true);
  });

  it("a directory that does not exist, or is a file: nothing happens", async () => {
    cluster.seed({ "files/www/z": "z" });
    expect(await bench.run(["sync", bench.path("none"), "files/www", "--delete"])).toMatchObject({ code: 3 });
    expect(await bench.run(["sync", bench.path("site/a"), "files/www", "--delete"])).toMatchObject({ code: 2 });
    expect(cluster.contents).toEqual({ "files/www/z": "z" });
  });

  it("an empty directory with --delete empties the target", async () => {
    cluster.seed({ "files/www/z": "z" });
    await mkdir(bench.path("empty"));
    expect(await bench.run(["sync", bench.path("empty"), "files/www", "--delete"])).toMatchObject({ code: 0 });
    expect(cluster.contents).toEqual({});
  });
});

describe("sync to a directory", () => {
  const down = (...flags: readonly string[]): Promise<Outcome> =>
    bench.run(["sync", "files/www", bench.path("mirror"), ...flags]);

  beforeEach(() => {
    cluster.seed({ "files/www/a": "a", "files/www/b/c": "c", "files/www/b.d": "d" });
  });

  it("downloads what is missing or different, skips what is the same, keeps what else is there", async () => {
    await bench.write({ "mirror/a": "a", "mirror/b/c": "x", "mirror/z/z": "z" });
    const result = await down("-o", "json");
    expect(result.code).toBe(0);
    expect(summaryOf(result)).toMatchObject({ download: 2, skip: 1, delete: 0 });
    expect(await bench.read("mirror")).toEqual({ a: "a", "b/c": "c", "b.d": "d", "z/z": "z" });
  });

  it("--delete: files go, and the directories that this empties", async () => {
    await bench.write({ "mirror/z/y/x": "x", "mirror/b/q": "q" });
    await mkdir(bench.path("mirror/kept"));
    const roundabout = `${bench.directory}/./mirror/../mirror/`;
    expect(await bench.run(["sync", "files/www", roundabout, "--delete"])).toMatchObject({ code: 0, err: "" });
    expect(await bench.read("mirror")).toEqual({ a: "a", "b/c": "c", "b.d": "d" });
    expect((await readdir(bench.path("mirror"))).sort()).toEqual(["a", "b", "b.d", "kept"]);
  });

  it("--delete: a directory makes room for a file, and a file for a directory", async () => {
    await bench.write({ "mirror/a/x": "x", "mirror/b": "b" });
    expect(await down("--delete")).toMatchObject({ code: 0, err: "" });
    expect(await bench.read("mirror")).toEqual({ a: "a", "b/c": "c", "b.d": "d" });
  });

  it("without --delete they are in the way: told, the rest goes on", async () => {
    await bench.write({ "mirror/a/x": "x" });
    expect(await down()).toMatchObject({ code: 9, err: expect.stringContaining("a directory stands") });
    expect(await bench.read("mirror")).toEqual({ "a/x": "x", "b/c": "c", "b.d": "d" });
  });

  it("--delete --dry-run changes nothing", async () => {
    await bench.write({ "mirror/z": "z", "mirror/a": "x" });
    const before = await bench.read("mirror");
    const result = await down("--delete", "--dry-run", "-o", "json");
    expect(summaryOf(result)).toMatchObject({ download: 3, delete: 1, dryRun: true });
    expect(await bench.read("mirror")).toEqual(before);
  });

  it("a path without files, perhaps mistyped: nothing is deleted", async () => {
    await bench.write({ "mirror/z": "z" });
    expect(await bench.run(["sync", "files/vvv", bench.path("mirror"), "--delete"])).toMatchObject({ code: 3 });
    expect(await bench.read("mirror")).toEqual({ z: "z" });
  });

  it("a local file that is changed meanwhile is left alone", async () => {
    await bench.write({ "mirror/a": "old" });
    cluster.read = async (name, options) => {
      if (name === "files/www/a") await bench.write({ "mirror/a": "theirs" });
      return MemoryCluster.prototype.read.call(cluster, name, options);
    };
    expect(await down()).toMatchObject({ code: 9, err: expect.stringContaining("changed by somebody else") });
    expect(await bench.read("mirror")).toEqual({ a: "theirs", "b/c": "c", "b.d": "d" });
  });

  it("a link in the place of a file is not replaced; another one is let be", async () => {
    await mkdir(bench.path("mirror"));
    await symlink("elsewhere", bench.path("mirror/a"));
    await symlink("elsewhere", bench.path("mirror/q"));
    const { code, err } = await down("--delete");
    expect(code).toBe(9);
    expect(err).toContain("mirror/a is a symbolic link");
    expect(err).not.toContain("mirror/q");
  });

  it("--links follow: a link to a file is compared as one, replaced, and deleted; not what it points to", async () => {
    await bench.write({ "mirror/b.d": "d", elsewhere: "old" });
    await symlink("../elsewhere", bench.path("mirror/a"));
    await symlink("../elsewhere", bench.path("mirror/z"));
    expect(await down("--delete", "--links", "follow")).toMatchObject({ code: 0, err: "" });
    expect(await bench.read("mirror")).toEqual({ a: "a", "b/c": "c", "b.d": "d" });
    expect(await readdir(bench.path("mirror"))).not.toContain("z");
    expect(await bench.read(".")).toMatchObject({ elsewhere: "old" });
  });

  it("nothing is written through a link to another directory, but with --links follow", async () => {
    await mkdir(bench.path("mirror"));
    await mkdir(bench.path("elsewhere"));
    await symlink("../elsewhere", bench.path("mirror/b"));
    expect(await down()).toMatchObject({ code: 9, err: expect.stringContaining("nothing is written through it") });
    expect(await bench.read("elsewhere")).toEqual({});
    expect(await down("--links", "follow")).toMatchObject({ code: 0 });
    expect(await bench.read("elsewhere")).toEqual({ c: "c" });
  });

  it("a directory that cannot be read: nothing is deleted", async () => {
    await bench.write({ "mirror/z": "z", "mirror/closed/x": "x" });
    await chmod(bench.path("mirror/closed"), 0);
    await asOrdinaryUser(bench.directory, async () => {
      expect(await down("--delete")).toMatchObject({ code: 9 });
    });
    expect(await bench.read("mirror")).toHaveProperty("z");
    await chmod(bench.path("mirror/closed"), 0o755);
  });
});

// The number that Unix systems give to who owns nothing.
const nobody = 65_534;

/** Root may read everything; so what root must not be allowed is done by somebody else, whom the directory is given to. */
async function asOrdinaryUser(directory: string, action: () => Promise<void>): Promise<void> {
  if (process.geteuid?.() !== 0) return action();
  for (const path of [".", ...(await readdir(directory, { recursive: true }))]) {
    await lchown(join(directory, path), nobody, nobody);
  }
  process.seteuid?.(nobody);
  try {
    await action();
  } finally {
    process.seteuid?.(0);
  }
}

describe("sync between buckets", () => {
  it("copies with attributes, and deletes", async () => {
    cluster.seed({ "files/www/a": "a", "files/www/b": "b", "backups/b": "b", "backups/z": "z" });
    expect(await bench.run(["sync", "files/www", "backups", "--delete"])).toMatchObject({ code: 0, err: "" });
    expect(cluster.contents).toMatchObject({ "backups/a": "a", "backups/b": "b" });
    expect(cluster.contents).not.toHaveProperty(["backups/z"]);
  });

  it("one within the other: refused", async () => {
    expect(await bench.run(["sync", "files", "files/www"])).toMatchObject({ code: 2 });
  });
});

describe("any two trees", () => {
  // Names whose order differs between bytes, UTF-16 and "directories first", and ones that are each other's beginnings.
  const segments = ["a", "a.b", "a-b", "a b", "ab", "B", "é", "\u{ff5e}", "\u{1f600}", ".hidden"];

  const path = fc.array(fc.constantFrom(...segments), { minLength: 1, maxLength: 3 }).map((some) => some.join("/"));
  const content = fc.constantFrom("", "x", "y", "longer");
  /** What a directory can hold: no name is a file and a directory at once. */
  const tree = fc
    .dictionary(path, content, { maxKeys: 12 })
    .map((files) =>
      Object.fromEntries(
        Object.entries(files).filter(([name]) => !Object.keys(files).some((other) => other.startsWith(`${name}/`))),
      ),
    );

  const below = (prefix: string, files: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(files).map(([name, text]) => [`${prefix}${name}`, text]));

  it("sync --delete makes the target the source, in both directions; a second one does nothing", async () => {
    await fc.assert(
      fc.asyncProperty(tree, tree, async (source, target) => {
        const round = new MemoryCluster();
        const own = new CliBench(round);
        try {
          await own.write(below("local/", source));
          await mkdir(own.path("local"), { recursive: true });
          round.seed(below("files/t/", target));
          expect(await own.run(["sync", own.path("local"), "files/t", "--delete"])).toMatchObject({ code: 0, err: "" });
          expect(round.contents).toEqual(below("files/t/", source));
          if (Object.keys(source).length === 0) return;

          await own.write(below("other/", target));
          const down = ["sync", "files/t", own.path("other"), "--delete"];
          expect(await own.run(down)).toMatchObject({ code: 0, err: "" });
          expect(await own.read("other")).toEqual(source);
          const again = await own.run([...down, "-o", "json"]);
          expect(summaryOf(again)).toMatchObject({ download: 0, delete: 0, skip: Object.keys(source).length });
        } finally {
          own.close();
        }
      }),
      { numRuns: 20 },
    );
  });
});

describe("places", () => {
  it.each(["./site", "../site", "/site", ".", "..", "./", "/"])("%s: a directory", async (operand) => {
    expect(await placeOf(operand)).toEqual({ kind: "local", root: operand });
  });

  it.each([
    ["files", "files", ""],
    ["files/", "files", ""],
    ["files/.hidden", "files", ".hidden/"],
    ["files/a/b/", "files", "a/b/"],
  ])("%s: in the cluster", async (operand, bucket, prefix) => {
    expect(await placeOf(operand)).toEqual({ kind: "remote", bucket, prefix });
  });
});

describe("pairs", () => {
  async function* tree(...names: readonly string[]): AsyncGenerator<TreeEntry> {
    for (const relative of names) {
      yield { kind: "file", file: { kind: "local", relative, path: relative, size: 0, modifiedMs: 0 } };
    }
  }

  it.each([
    [[], [], ""],
    [["a", "b"], [], "+a +b"],
    [[], ["a", "b"], "-a -b"],
    [["a", "c"], ["b", "c"], "+a -b =c"],
    [["a.b", "a/b", "\u{ff5e}", "\u{1f600}"], ["a/b", "\u{1f600}"], "+a.b =a/b +\u{ff5e} =\u{1f600}"],
  ])("%j against %j", async (source, target, expected) => {
    const found: string[] = [];
    for await (const pair of pairsOf(tree(...source), tree(...target))) {
      if (pair.kind === "pair") found.push(`${pair.target ? "=" : "+"}${pair.source.relative}`);
      if (pair.kind === "extra") found.push(`-${pair.target.relative}`);
    }
    expect(found.join(" ")).toBe(expected);
  });
});
