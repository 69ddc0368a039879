import { afterEach, describe, expect, it } from "@jest/globals";
import { ErrorCode } from "@quorumfs/proto";
import type { ListEntry, QuorumFs } from "../../src/index.js";
import { errorResult, FakeCluster, fileOf } from "../fakes/fake-cluster.js";

let client: QuorumFs | undefined;

afterEach(async () => {
  await client?.close();
  client = undefined;
});

async function all(entries: AsyncIterable<ListEntry>): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of entries) names.push(name);
  return names;
}

const page = (paths: readonly string[], commonPrefixes: string[], nextAfter: string) => ({
  $case: "list" as const,
  value: { files: paths.map((path) => fileOf(path, Buffer.from("1"))), commonPrefixes, nextAfter },
});

describe("list", () => {
  it("pages: asked for one after another, each behind the one before", async () => {
    const cluster = new FakeCluster();
    client = await cluster.connect();
    const pages = [page(["a", "b"], [], "b"), page(["c"], [], "c"), page(["d"], [], "")];
    cluster.react = () => pages[cluster.operations.length - 1] ?? page([], [], "");
    expect(await cluster.clock.settle(all(client.list("files", { pageSize: 2 })))).toEqual([
      "files/a",
      "files/b",
      "files/c",
      "files/d",
    ]);
    const afters = cluster.operations.map(({ request: { operation } }) =>
      operation?.$case === "list" ? operation.value.after : undefined,
    );
    expect(afters).toEqual(["", "b", "c"]);
  });

  it("common prefixes: merged into byte order", async () => {
    const cluster = new FakeCluster();
    client = await cluster.connect();
    cluster.react = () => page(["a", "b.txt", "z"], ["b/", "c/", "\u{1f600}/"], "");
    expect(await cluster.clock.settle(all(client.list("files", { delimiter: "/" })))).toEqual([
      "files/a",
      "files/b.txt",
      "files/b/",
      "files/c/",
      "files/z",
      "files/\u{1f600}/",
    ]);
  });

  it("a loop that is left early asks for no more pages", async () => {
    const cluster = new FakeCluster();
    client = await cluster.connect();
    cluster.react = () => page(["a", "b"], [], "b");
    for await (const entry of client.list("files")) {
      expect(entry.name).toBe("files/a");
      break;
    }
    expect(cluster.operations).toHaveLength(1);
  });

  it("no such bucket", async () => {
    const cluster = new FakeCluster();
    client = await cluster.connect();
    cluster.react = () => errorResult(ErrorCode.ERROR_CODE_NOT_FOUND);
    await expect(cluster.clock.settle(all(client.list("nowhere")))).rejects.toMatchObject({ code: "not_found" });
  });
});
