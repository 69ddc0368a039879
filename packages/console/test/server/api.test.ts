import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type LocalCluster, startCluster } from "@quorumfs/local-cluster";
import type {
  About,
  ApiError,
  BucketList,
  BucketView,
  ClusterView,
  EventPage,
  Explanation,
  FilePage,
  FileStat,
  LayoutView,
  StoredFile,
} from "../../src/api.js";
import { ask, askJson } from "../support/ask.js";

let cluster: LocalCluster;
let url: string;

beforeAll(async () => {
  cluster = await startCluster({ nodes: 3, console: true });
  url = cluster.consoleUrl ?? "";
});

afterAll(() => cluster.close());

const put = (path: string, body: string | Uint8Array, headers: Record<string, string> = {}) =>
  ask(url, `/api/files/content?bucket=files&path=${encodeURIComponent(path)}`, { method: "PUT", body, headers });

const content = (path: string, headers: Record<string, string> = {}) =>
  ask(url, `/api/files/content?bucket=files&path=${encodeURIComponent(path)}`, { headers });

describe("api: the cluster", () => {
  test("about: who is asked, and that no token is needed", async () => {
    const { status, json } = await ask(url, "/api/about");
    expect(status).toBe(200);
    const about = json as About;
    expect(about).toMatchObject({ tokenNeeded: false, authorised: true });
    expect(about.clusterId).toMatch(/^[0-9a-f]{32}$/);
  });

  test("cluster: all nodes, and that all is well", async () => {
    const { json } = await ask(url, "/api/cluster");
    const view = json as ClusterView;
    expect(view).toMatchObject({ connected: true, ready: true, replicas: 3, layout: 1 });
    expect(view.nodes.map(({ id, state, role }) => ({ id, state, role }))).toEqual(
      [1, 2, 3].map((id) => ({ id, state: "up", role: "active" })),
    );
    expect(view.conditions[0]?.text).toMatch(/^Ready/);
  });

  test("layout: every partition on three nodes, and their shares", async () => {
    const { json } = await ask(url, "/api/layout");
    const view = json as LayoutView;
    expect(view.partitions).toHaveLength(1024);
    for (const { nodes, joining } of view.partitions) {
      expect([...nodes].sort()).toEqual([1, 2, 3]);
      expect(joining).toEqual([]);
    }
    expect(view.shares.map(({ partitions }) => partitions)).toEqual([1024, 1024, 1024]);
    expect(view.shares.reduce((sum, { preferred }) => sum + preferred, 0)).toBe(1024);
  });

  test("layout: compressed for who takes it", async () => {
    const { headers, json } = await ask(url, "/api/layout", { headers: { "Accept-Encoding": "gzip, br" } });
    expect(headers["content-encoding"]).toBe("gzip");
    expect((json as LayoutView).partitions).toHaveLength(1024);
    expect(Number(headers["content-length"])).toBeLessThan(10_000);
  });

  test("events: newest first, in pages, by kind and by node", async () => {
    const all = (await ask(url, "/api/events")).json as EventPage;
    expect(all.events.map(({ kind }) => kind)).toContain("cluster.formed");
    const ids = all.events.map(({ id }) => id);
    expect(ids).toEqual([...ids].sort((a, b) => b - a));
    const joined = (await ask(url, "/api/events?kinds=node.joined&node=2")).json as EventPage;
    expect(joined.events.map(({ kind, node }) => ({ kind, node }))).toEqual([{ kind: "node.joined", node: 2 }]);
    const page = (await ask(url, `/api/events?limit=1&before=${ids[0]}`)).json as EventPage;
    expect(page.events.map(({ id }) => id)).toEqual([ids[1]]);
    expect(page.more).toBe(true);
  });
});

describe("api: buckets", () => {
  test("made, listed with what its quorums mean, deleted", async () => {
    const made = await askJson(url, "/api/buckets", "POST", { name: "strict", readQuorum: 1, writeQuorum: 3 });
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({ name: "strict", readQuorum: 1, writeQuorum: 3, durability: "fsync" });
    expect((made.json as BucketView).meaning).toMatchObject({ readsTolerate: 2, writesTolerate: 0 });
    const { replicas, buckets, choices } = (await ask(url, "/api/buckets")).json as BucketList;
    expect(replicas).toBe(3);
    expect(buckets.map(({ name }) => name)).toEqual(["files", "strict"]);
    expect(choices.filter(({ isDefault }) => isDefault)).toHaveLength(1);
    expect((await ask(url, "/api/buckets?bucket=strict", { method: "DELETE" })).status).toBe(204);
  });

  test.each([
    ["R + W not above N", { name: "weak", readQuorum: 1, writeQuorum: 1 }, 400],
    ["no name", {}, 400],
    ["a name that is none", { name: "../etc" }, 400],
    ["a field that there is not", { name: "abc", quorum: 2 }, 400],
    ["R that is no number", { name: "abc", readQuorum: "2" }, 400],
    ["a durability that there is not", { name: "abc", durability: "tape" }, 400],
    ["no object", [], 400],
    ["a bucket that exists", { name: "files" }, 412],
  ])("refused: %s", async (_what, body, status) => {
    const answer = await askJson(url, "/api/buckets", "POST", body);
    expect(answer.status).toBe(status);
    expect((answer.json as ApiError).message).not.toBe("");
  });

  test("refused: a body that is not JSON, too long, or of another type", async () => {
    const post = (type: string, body: string) =>
      ask(url, "/api/buckets", { method: "POST", headers: { "Content-Type": type }, body });
    expect((await post("application/json", "{")).status).toBe(400);
    expect((await post("application/json", `"${"x".repeat(100_000)}"`)).status).toBe(413);
    expect((await post("text/plain", "{}")).status).toBe(415);
  });
});

describe("api: files", () => {
  test("stored, shown, listed, read, explained, deleted", async () => {
    const stored = await put("docs/a.txt", "hello");
    expect(stored.status).toBe(200);
    const { file, vote } = stored.json as StoredFile;
    expect(file).toMatchObject({ path: "docs/a.txt", size: 5 });
    expect(vote.acknowledged.length).toBeGreaterThanOrEqual(2);
    const stat = (await ask(url, "/api/files/stat?bucket=files&path=docs/a.txt")).json as FileStat;
    expect(stat.file).toEqual(file);
    const top = (await ask(url, "/api/files?bucket=files")).json as FilePage;
    expect(top.entries).toContainEqual({ kind: "directory", path: "docs/" });
    const below = (await ask(url, "/api/files?bucket=files&prefix=docs/")).json as FilePage;
    expect(below.entries).toEqual([{ kind: "file", ...file }]);
    const read = await content("docs/a.txt");
    expect(read.text).toBe("hello");
    expect(read.headers).toMatchObject({
      "content-type": "application/octet-stream",
      "content-disposition": `attachment; filename="a.txt"; filename*=UTF-8''a.txt`,
      "content-security-policy": "sandbox; default-src 'none'",
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
      etag: `"${file.version}"`,
    });
    const explained = (await ask(url, "/api/files/explain?bucket=files&path=docs/a.txt")).json as Explanation;
    expect(explained).toMatchObject({ verdict: "found", replicas: 3, readQuorum: 2, writeQuorum: 2, joint: false });
    expect(explained.version).toMatchObject({ version: file.version, size: 5, etag: file.etag, deleted: false });
    expect(explained.votes.map(({ node }) => node).sort()).toEqual([1, 2, 3]);
    expect(explained.reasons.length).toBeGreaterThan(0);
    const gone = await ask(url, "/api/files/content?bucket=files&path=docs/a.txt", { method: "DELETE" });
    expect(gone.status).toBe(200);
    expect((await content("docs/a.txt")).status).toBe(404);
    const absent = (await ask(url, "/api/files/explain?bucket=files&path=docs/a.txt")).json as Explanation;
    expect(absent.verdict).toBe("absent");
  });

  test("pages of a listing join without a gap", async () => {
    for (let index = 0; index < 7; index += 1) await put(`pages/${index}`, String(index));
    const seen: string[] = [];
    let after: string | null = "";
    for (let pages = 0; after !== null && pages < 10; pages += 1) {
      const query: string = `bucket=files&prefix=pages/&limit=3&after=${encodeURIComponent(after)}`;
      const page = (await ask(url, `/api/files?${query}`)).json as FilePage;
      expect(page.entries.length).toBeLessThanOrEqual(3);
      seen.push(...page.entries.map(({ path }) => path));
      after = page.nextAfter;
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6].map((index) => `pages/${index}`));
  });

  test.each([
    ["markup", '<img src=x onerror="alert(1)">.html'],
    ["quotes, backslashes and percent signs", `a"b'c\\d%2e%2e;filename=x`],
    ["other scripts and emoji", "пример/例/🙂 file.txt"],
    ["the longest name there is", "x".repeat(1024)],
    ["names of JavaScript's own", "__proto__/constructor"],
  ])("a path with %s goes there and back", async (_what, path) => {
    expect((await put(path, "x")).status).toBe(200);
    const read = await content(path);
    expect({ status: read.status, text: read.text }).toEqual({ status: 200, text: "x" });
    const disposition = String(read.headers["content-disposition"]);
    expect(disposition).toMatch(/^attachment; filename="[\w.\- ]*"; filename\*=UTF-8''[\w.\-!~%]*$/);
    const name = path.slice(path.lastIndexOf("/") + 1);
    expect(decodeURIComponent(disposition.slice(disposition.indexOf("''") + 2))).toBe(name);
    const page = (await ask(url, "/api/files?bucket=files&delimiter=")).json as FilePage;
    expect(page.entries.map((entry) => entry.path)).toContain(path);
  });

  test.each([
    ["a control character", "a\u0000b"],
    ["a line break", "a\r\nSet-Cookie: x=y"],
    ["a segment ..", "../../etc/passwd"],
    ["a name that is too long", "x".repeat(1025)],
    ["no path", ""],
  ])("refused: a path with %s", async (_what, path) => {
    const answer = await put(path, "x");
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ code: "invalid_argument" });
    expect(answer.headers["set-cookie"]).toBeUndefined();
  });

  test("a bucket that there is not", async () => {
    expect((await ask(url, "/api/files?bucket=nowhere")).status).toBe(404);
    expect((await ask(url, "/api/files/content?bucket=nowhere&path=a")).status).toBe(404);
  });
});

describe("api: conditions", () => {
  test("If-None-Match: * creates once", async () => {
    expect((await put("once", "1", { "If-None-Match": "*" })).status).toBe(201);
    const again = await put("once", "2", { "If-None-Match": "*" });
    expect(again.status).toBe(412);
    expect((again.json as ApiError).details.currentVersion).toBeGreaterThan(0);
    expect((await content("once")).text).toBe("1");
  });

  test("If-Match stores over that version only, and deletes that version only", async () => {
    const first = (await put("matched", "1")).json as StoredFile;
    const tag = `"${first.file.version}"`;
    const second = await put("matched", "2", { "If-Match": tag });
    expect(second.status).toBe(200);
    const late = await put("matched", "3", { "If-Match": tag });
    expect({ status: late.status, code: (late.json as ApiError).code }).toEqual({
      status: 412,
      code: "precondition_failed",
    });
    const path = "/api/files/content?bucket=files&path=matched";
    expect((await ask(url, path, { method: "DELETE", headers: { "If-Match": tag } })).status).toBe(412);
    const newest = second.headers.etag ?? "";
    expect((await ask(url, path, { method: "DELETE", headers: { "If-Match": newest } })).status).toBe(200);
  });

  test("of a large upload, refused before the content is sent", async () => {
    await put("large", "small");
    const answer = await put("large", new Uint8Array(8 * 2 ** 20), { "If-None-Match": "*" });
    expect(answer.status).toBe(412);
    expect((await content("large")).text).toBe("small");
  });

  test.each([
    [{ "If-Match": "W/x" }, 400],
    [{ "If-None-Match": '"1"' }, 400],
    [{ "If-None-Match": "*", "If-Match": '"1"' }, 400],
  ])("refused: %j", async (headers, status) => {
    expect((await put("never", "x", headers)).status).toBe(status);
    expect((await content("never")).status).toBe(404);
  });
});

describe("api: ranges", () => {
  beforeAll(async () => {
    await put("digits", "0123456789");
  });

  test.each([
    ["bytes=2-4", 206, "234", "bytes 2-4/10"],
    ["bytes=7-", 206, "789", "bytes 7-9/10"],
    ["bytes=-3", 206, "789", "bytes 7-9/10"],
    ["bytes=8-99", 206, "89", "bytes 8-9/10"],
    ["bytes=0-0,2-2", 200, "0123456789", undefined],
    ["lines=1-2", 200, "0123456789", undefined],
  ])("%s", async (range, status, text, contentRange) => {
    const answer = await content("digits", { Range: range });
    expect({ status: answer.status, text: answer.text }).toEqual({ status, text });
    expect(answer.headers["content-range"]).toBe(contentRange);
  });

  test("behind the end", async () => {
    expect((await content("digits", { Range: "bytes=10-" })).status).toBe(416);
  });

  test("If-Range of an older version: the whole", async () => {
    const { headers } = await content("digits");
    const newest = headers.etag ?? "";
    expect((await content("digits", { Range: "bytes=0-0", "If-Range": newest })).text).toBe("0");
    expect((await content("digits", { Range: "bytes=0-0", "If-Range": '"0"' })).text).toBe("0123456789");
  });

  test("HEAD: the headers only", async () => {
    const answer = await ask(url, "/api/files/content?bucket=files&path=digits", { method: "HEAD" });
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 200, text: "" });
    expect(answer.headers["content-length"]).toBe("10");
  });
});

describe("api: what there is not", () => {
  test("a path, a method, a parameter", async () => {
    expect((await ask(url, "/api/nothing")).status).toBe(404);
    expect((await ask(url, "/api/constructor")).status).toBe(404);
    const wrong = await ask(url, "/api/cluster", { method: "DELETE" });
    expect({ status: wrong.status, code: (wrong.json as ApiError).code }).toEqual({
      status: 405,
      code: "invalid_argument",
    });
    expect((await ask(url, "/api/files")).status).toBe(400);
    expect((await ask(url, "/api/files?bucket=files&limit=0")).status).toBe(400);
    expect((await ask(url, "/api/files?bucket=files&limit=1e9")).status).toBe(400);
    expect((await ask(url, "/api/events?severity=awful")).status).toBe(400);
  });
});
