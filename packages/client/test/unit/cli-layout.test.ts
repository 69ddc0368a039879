import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { CliBench } from "../fakes/cli.js";
import { MemoryCluster } from "../fakes/memory-cluster.js";
import { changeOf, done, plan } from "../fakes/memory-layout.js";

let cluster: MemoryCluster;
let cli: CliBench;

beforeEach(() => {
  cluster = new MemoryCluster();
  cli = new CliBench(cluster);
});

afterEach(() => {
  cli.close();
});

const parsed = (text: string): unknown => JSON.parse(text);

describe("layout show", () => {
  it("who holds how much, how even, and what is under way", async () => {
    cluster.layout.change = changeOf({ movesDone: 1, obstacles: ["partition 8 waits for node 3, which is down"] });
    const { out, code } = await cli.run(["layout", "show"]);
    expect(code).toBe(0);
    expect(out).toContain("layout 7, every node within 2.4 % of its share\n");
    expect(out).toContain("change 5, moving (node 4 joins): 1 of 2 partitions, 20 s left\n");
    expect(out).toContain("  partition 8 waits for node 3, which is down\n");
    expect(out).toMatch(/^1 +- +up +active +1024 +341 +1000\.0 +2\.4 % +5 +1 KiB$/m);
    expect(out).toMatch(/^2 .* 0\.0 +- /m);
  });

  it("--follow: to the end", async () => {
    cluster.layout.change = changeOf();
    const { out, code } = await cli.run(["layout", "show", "--follow"]);
    expect(code).toBe(0);
    expect(out).toContain("done: 2 of 2 partitions moved in 1 min 1 s; this is layout 9 now\n");
  });

  it("json", async () => {
    const { out } = await cli.run(["layout", "show", "-o", "json"]);
    expect(parsed(out)).toMatchObject({
      number: 7,
      unevenness: 0.024,
      shares: [{ node: 1, state: "up" }, { node: 2 }],
    });
  });
});

describe("layout plan", () => {
  it("shows what would move, and changes nothing", async () => {
    const { out, code } = await cli.run(["layout", "plan", "--drain", "3", "--moves"]);
    expect(code).toBe(0);
    expect(out).toContain("2 partitions to move, about 4 KiB in about 1 min 30 s\n");
    expect(out).toContain("now every node within 33.3 % of its share, then within 1.2 %\n");
    expect(out).toMatch(/^4 +- +- +0 +2 +4 KiB +-$/m);
    expect(out).toContain("warning: node 3 is down\n");
    expect(out).toMatch(/^8 +1, 2, 3 +2, 3, 4$/m);
    expect(cluster.layout.applied).toEqual([]);
  });

  it("json", async () => {
    const { out } = await cli.run(["layout", "plan", "-o", "json"]);
    expect(parsed(out)).toEqual(plan);
  });
});

describe("layout apply", () => {
  it("asks, applies what was shown, follows", async () => {
    const { out, err, code } = await cli.run(["layout", "apply"], { answer: true });
    expect(code).toBe(0);
    expect(err).toContain("Apply this?");
    expect(out).toContain("2 partitions to move");
    expect(out).toContain("done: 2 of 2 partitions moved");
    expect(cluster.layout.applied).toEqual([{ changes: [], baseLayout: 7 }]);
  });

  it("no: nothing happens", async () => {
    const { code, err } = await cli.run(["layout", "apply"], { answer: false });
    expect(code).toBe(130);
    expect(err).toContain("nothing was changed");
    expect(cluster.layout.applied).toEqual([]);
  });

  it.each([[[]], [["-o", "json"]]])("nobody to ask, %j: says how", async (args) => {
    const { code, err } = await cli.run(["layout", "apply", ...args]);
    expect(code).toBe(2);
    expect(err).toContain("add --yes");
    expect(cluster.layout.applied).toEqual([]);
  });

  it("nothing has to move", async () => {
    cluster.layout.planned = { ...plan, moves: [], warnings: [] };
    const { code, out } = await cli.run(["layout", "apply", "--yes"]);
    expect([code, out]).toEqual([0, "nothing has to move\n"]);
    expect(cluster.layout.applied).toEqual([]);
  });

  it("all that can be changed at once", async () => {
    const flags = [
      "--drain",
      "1",
      "--activate",
      "2",
      "--remove",
      "3",
      "--replace",
      "4:5",
      "--lost",
      "4",
      "--lost",
      "6",
    ];
    await cli.run(["layout", "apply", "--yes", ...flags]);
    expect(cluster.layout.applied[0]?.changes).toEqual([
      { node: 1, role: "draining" },
      { node: 2, role: "active" },
      { node: 3, role: "leaving" },
      { node: 6, role: "lost" },
      { node: 4, role: "lost", replacedBy: 5 },
    ]);
  });

  it.each([
    [["--replace", "4"], "--replace is written OLD:NEW"],
    [["--drain", "1", "--remove", "1"], "say one thing of node 1"],
    [["--drain", "x"], "is no id of a DataNode"],
    [["--drain", "0"], "is no id of a DataNode"],
  ])("%j: refused", async (flags, message) => {
    const { code, err } = await cli.run(["layout", "apply", "--yes", ...flags]);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });

  it("one that is under way is taken up, and not begun anew", async () => {
    cluster.layout.change = changeOf({ movesDone: 1 });
    const { out, err, code } = await cli.run(["layout", "apply"]);
    expect(code).toBe(0);
    expect(err).toContain("under way already");
    expect(out).toContain("done: 2 of 2");
    expect(cluster.layout.applied).toEqual([]);
  });

  it("Ctrl-C: the change goes on, and how to watch it is said", async () => {
    const stopping = new AbortController();
    cluster.layout.steps = [changeOf()];
    const watch = cluster.layout.watch.bind(cluster.layout);
    cluster.layout.watch = (options) => {
      stopping.abort();
      return watch(options);
    };
    const { code, err } = await cli.run(["layout", "apply", "--yes"], { stopping: stopping.signal });
    expect(code).toBe(130);
    expect(err).toContain("goes on without this command; watch it with quorumfs layout show --follow");
    expect(cluster.layout.applied).toHaveLength(1);
  });

  it.each([
    ["stopped" as const, "was stopped: 1 of 2 partitions moved"],
    ["superseded" as const, "another change took the place"],
  ])("%s: exit code 9", async (state, message) => {
    cluster.layout.steps = [changeOf({ state, movesDone: 1 })];
    const { code, err } = await cli.run(["layout", "apply", "--yes"]);
    expect(code).toBe(9);
    expect(err).toContain(message);
  });

  it("obstacles are told once each, and the bar says how far it is", async () => {
    const obstacles = ["partition 8 waits for node 3, which is down"];
    cluster.layout.steps = [changeOf({ movesDone: 1, obstacles }), changeOf({ movesDone: 1, obstacles }), done];
    const { err } = await cli.run(["layout", "apply", "--yes"]);
    expect(err.match(/partition 8 waits/g)).toHaveLength(1);
    expect(cli.shown).toMatch(/█+ {2}2 of 2 partitions {2}4 KiB of 4 KiB/);
  });

  it("over before anybody could watch: the history tells", async () => {
    cluster.layout.steps = [];
    const { out, code } = await cli.run(["layout", "apply", "--yes"]);
    expect(code).toBe(0);
    expect(out).toContain("done: 2 of 2");
  });

  it("--detach: begins, and leaves it at that", async () => {
    const { out, code } = await cli.run(["layout", "apply", "--yes", "--detach"]);
    expect(code).toBe(0);
    expect(out).toContain("change 5, moving (node 4 joins)");
    expect(out).not.toContain("done");
  });

  it("json: plan and outcome; jsonl: every step as well", async () => {
    cluster.layout.steps = [changeOf({ movesDone: 1 }), done];
    const whole = await cli.run(["layout", "apply", "--yes", "-o", "json"]);
    expect(parsed(whole.out)).toMatchObject({ plan: { baseLayout: 7 }, change: { state: "done" } });
    const lines = (await cli.run(["layout", "apply", "--yes", "-o", "jsonl"])).out.trim().split("\n").map(parsed);
    expect(lines).toMatchObject([
      { change: { movesDone: 1 } },
      { change: { state: "done" } },
      { plan: { baseLayout: 7 }, change: { state: "done" } },
    ]);
  });
});

describe("layout stop and history", () => {
  it("stop", async () => {
    cluster.layout.change = changeOf();
    expect((await cli.run(["layout", "stop"])).out).toContain("change 5, stopping (node 4 joins)");
    cluster.layout.change = undefined;
    expect((await cli.run(["layout", "stop"])).out).toBe("no change is under way\n");
  });

  it("history", async () => {
    const { out } = await cli.run(["layout", "history"]);
    expect(out).toMatch(/^5 +done +1970-01-01 00:00:00Z +1 min 1 s +2 of 2 +7 to 9 +node 4 joins$/m);
    expect(parsed((await cli.run(["layout", "history", "-o", "json"])).out)).toMatchObject([{ id: 5, state: "done" }]);
    cluster.layout.past = [];
    expect((await cli.run(["layout", "history"])).out).toBe("the layout has not been changed yet\n");
  });
});

describe("node", () => {
  it("list: role, how far behind, time left", async () => {
    const { out } = await cli.run(["node", "list"]);
    expect(out).toMatch(/^1 +a:1 +- +active +up /m);
    expect(out).toMatch(/^1 +catching up +120 records, 3 chunks \(4 KiB\) +8 s +- +2 partitions +- +-$/m);
    expect(out).toMatch(/^3 +- +- +- +- +- +- +-$/m);
  });

  it.each([
    [["drain", "1", "2"], [1, 2].map((node) => ({ node, role: "draining" }))],
    [["activate", "1"], [{ node: 1, role: "active" }]],
    [["remove", "1"], [{ node: 1, role: "leaving" }]],
    [["remove", "3", "--lost"], [{ node: 3, role: "lost" }]],
    [["replace", "3", "2"], [{ node: 3, role: "leaving", replacedBy: 2 }]],
    [["replace", "3", "2", "--lost"], [{ node: 3, role: "lost", replacedBy: 2 }]],
  ])("%j", async (args, changes) => {
    const { code, out } = await cli.run(["node", ...args, "--yes"]);
    expect(code).toBe(0);
    expect(out).toContain("done: 2 of 2");
    expect(cluster.layout.applied).toEqual([{ changes, baseLayout: 7 }]);
  });

  it("--plan: shows only", async () => {
    const { code, out } = await cli.run(["node", "drain", "1", "--plan"]);
    expect(code).toBe(0);
    expect(out).toContain("2 partitions to move");
    expect(cluster.layout.applied).toEqual([]);
  });

  it("--lost of a node that is up: refused, with what to do instead", async () => {
    const { code, err } = await cli.run(["node", "remove", "1", "--lost", "--yes"]);
    expect(code).toBe(4);
    expect(err).toContain("node 1 is up, so it is not lost; leave --lost out");
    expect(cluster.layout.applied).toEqual([]);
  });

  it("--lost: says what it asserts", async () => {
    const { err } = await cli.run(["node", "remove", "3", "--lost"], { answer: true });
    expect(err).toContain("this asserts that node 3 never runs again");
  });

  it("a node that is down, and not said to be lost: what that means", async () => {
    const { err } = await cli.run(["node", "replace", "3", "2", "--yes"]);
    expect(err).toContain("node 3 is down, and stays a member until it is back");
    expect((await cli.run(["node", "replace", "3", "2", "--lost", "--yes"])).err).not.toContain("is down");
  });

  it("a node that there is not", async () => {
    const { code, err } = await cli.run(["node", "replace", "1", "9", "--yes"]);
    expect(code).toBe(3);
    expect(err).toContain("the cluster has no DataNode 9; it has 1, 2, 3");
  });

  it("a role alone: applied also where nothing has to move", async () => {
    cluster.layout.planned = { ...plan, moves: [], warnings: [] };
    const { code, out } = await cli.run(["node", "activate", "2", "--yes"]);
    expect(code).toBe(0);
    expect(out).toContain("nothing had to move; done");
    expect(cluster.layout.applied).toHaveLength(1);
  });
});

it("status: the change that is under way", async () => {
  cluster.layout.change = changeOf();
  expect((await cli.run(["status"])).out).toContain("change 5, moving (node 4 joins): 0 of 2 partitions, 20 s left");
});
