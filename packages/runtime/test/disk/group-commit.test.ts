import { describe, expect, test } from "@jest/globals";
import { QuorumError, type Table, type TableWrite } from "@quorumfs/core";
import { GroupCommit } from "../../src/group-commit.js";

const table: Table = { name: "t", get: () => undefined, range: () => [], count: () => 0 };

function write(text: string, bytes = 1): TableWrite {
  return { table, key: Buffer.from(text), value: new Uint8Array(bytes) };
}

/** Applies when told to, and tells what it was given. */
class Script {
  readonly groups: string[][] = [];
  readonly turns: (() => void)[] = [];
  #settle: { resolve: () => void; reject: (error: Error) => void } | undefined;
  readonly commits = new GroupCommit({
    apply: (writes) => {
      this.groups.push(writes.map(({ key }) => Buffer.from(key).toString()));
      return new Promise<void>((resolve, reject) => (this.#settle = { resolve, reject }));
    },
    endOfTurn: (action) => this.turns.push(action),
  });

  endTurn(): void {
    for (const action of this.turns.splice(0)) action();
  }

  finish(): void {
    this.#settle?.resolve();
  }

  fail(error: Error): void {
    this.#settle?.reject(error);
  }
}

describe("group commit", () => {
  test("commits of one turn go together and share a promise", async () => {
    const script = new Script();
    const [a, b] = [script.commits.commit([write("a")]), script.commits.commit([write("b1"), write("b2")])];
    expect(a).toBe(b);
    script.endTurn();
    expect(script.groups).toEqual([["a", "b1", "b2"]]);
    script.finish();
    await a;
  });

  test("commits that come while one is applied wait, and go together", async () => {
    const script = new Script();
    const first = script.commits.commit([write("a")]);
    script.endTurn();
    const [b, c] = [script.commits.commit([write("b")]), script.commits.commit([write("c")])];
    script.endTurn();
    expect(script.groups).toEqual([["a"]]);
    script.finish();
    await first;
    expect(script.groups).toEqual([["a"], ["b", "c"]]);
    script.finish();
    await Promise.all([b, c]);
  });

  test("a group is bounded in bytes, and a commit is never split", async () => {
    const script = new Script();
    const half = 9 * 1024 * 1024;
    const first = script.commits.commit([write("a", half), write("b", half)]);
    const second = script.commits.commit([write("c", 1)]);
    expect(first).not.toBe(second);
    script.endTurn();
    script.finish();
    await first;
    expect(script.groups).toEqual([["a", "b"], ["c"]]);
    script.finish();
    await second;
  });

  test("a failure is that of everybody who waits, and of all who come later", async () => {
    const script = new Script();
    const first = script.commits.commit([write("a")]);
    script.endTurn();
    const second = script.commits.commit([write("b")]);
    script.fail(new Error("EIO"));
    for (const commit of [first, second, script.commits.commit([write("c")])]) {
      await expect(commit).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining("EIO") });
    }
    script.endTurn();
    expect(script.groups).toEqual([["a"]]);
    await script.commits.idle();
  });

  test("idle waits for what is under way; refused commits do not run", async () => {
    const script = new Script();
    const first = script.commits.commit([write("a")]);
    script.commits.refuse(new QuorumError({ code: "unavailable", message: "closed" }));
    await expect(script.commits.commit([write("b")])).rejects.toThrow("closed");
    let isIdle = false;
    const idle = script.commits.idle().then(() => (isIdle = true));
    script.endTurn();
    expect(isIdle).toBe(false);
    script.finish();
    await first;
    await idle;
    expect(script.groups).toEqual([["a"]]);
  });
});
