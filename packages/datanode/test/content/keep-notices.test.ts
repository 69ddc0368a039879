import { afterEach, describe, expect, test } from "@jest/globals";
import { type ChunkRange, type NodeId, nodeId, QuorumError } from "@quorumfs/core";
import { silentLog } from "@quorumfs/runtime";
import type { FileOwner } from "../../src/chunk/chunk-key.js";
import { KeepNotices } from "../../src/content/keep-notices.js";
import { settle } from "../support/step-clock.js";
import { clusterOf, owner, upload } from "./fixture.js";

interface Sent {
  readonly node: NodeId;
  readonly path: string;
  readonly counter: number;
}

/** Notices whose nodes take them when the test says so. */
class Subject {
  readonly sent: Sent[] = [];
  readonly notices: KeepNotices;
  readonly #open: (() => void)[] = [];
  held = false;
  failing: QuorumError | undefined;

  constructor(down: readonly number[] = []) {
    this.notices = new KeepNotices({
      peers: { keep: (node, { path }, { counter }) => this.#take({ node, path, counter }) },
      store: { view: clusterOf(3, down).view },
      log: silentLog,
    });
  }

  async #take(sent: Sent): Promise<void> {
    if (this.failing) throw this.failing;
    this.sent.push(sent);
    if (this.held) await new Promise<void>((resolve) => this.#open.push(resolve));
  }

  release(): void {
    this.held = false;
    for (const open of this.#open.splice(0)) open();
  }
}

const first = nodeId(1);
const ranges: readonly ChunkRange[] = [{ upload: upload(1), first: 0, count: 3 }];
function noticeOf(counter: number, file: FileOwner = owner) {
  return { owner: file, version: { counter, node: 1, incarnation: 1 }, ranges };
}

let subject: Subject;
afterEach(() => subject.notices.close());

describe("notices of what is to be kept", () => {
  test("go to every DataNode, this one included, but not to those that are down", async () => {
    subject = new Subject([2]);
    subject.notices.tellAll(noticeOf(5));
    await settle();
    expect(subject.sent.map(({ node }) => node)).toEqual([1, 3]);
  });

  test("of several that wait for one file, the newest goes", async () => {
    subject = new Subject();
    subject.held = true;
    for (let index = 0; index < 4; index += 1) subject.notices.tell(first, noticeOf(1, { ...owner, path: `${index}` }));
    for (const counter of [5, 7, 6]) subject.notices.tell(first, noticeOf(counter));
    subject.release();
    await settle();
    expect(subject.sent.filter(({ path }) => path === owner.path).map(({ counter }) => counter)).toEqual([7]);
    expect(subject.sent).toHaveLength(5);
  });

  test("no more than four are under way to one node", async () => {
    subject = new Subject();
    subject.held = true;
    for (let index = 0; index < 9; index += 1) subject.notices.tell(first, noticeOf(1, { ...owner, path: `${index}` }));
    await settle();
    expect(subject.sent).toHaveLength(4);
    subject.release();
    await settle();
    expect(subject.sent).toHaveLength(9);
  });

  test("those that find no room are dropped and counted; nothing grows", async () => {
    subject = new Subject();
    subject.held = true;
    for (let index = 0; index < 2000; index += 1) {
      subject.notices.tell(first, noticeOf(1, { ...owner, path: `${index}` }));
    }
    expect(subject.notices.dropped).toBe(2000 - 4 - 1024);
    subject.release();
    await settle();
  });

  test("so are those of files in very many pieces, all but the first", async () => {
    subject = new Subject();
    subject.held = true;
    const many = Array.from({ length: 40_000 }, () => ({ upload: upload(1), first: 0, count: 1 }));
    for (let index = 0; index < 7; index += 1) {
      subject.notices.tell(first, { ...noticeOf(1, { ...owner, path: `${index}` }), ranges: many });
    }
    expect(subject.notices.dropped).toBe(2);
    subject.release();
    await settle();
    expect(subject.sent).toHaveLength(5);
  });

  test("one that its node does not take is dropped and counted, and the next one goes on", async () => {
    subject = new Subject();
    subject.failing = new QuorumError({ code: "unavailable", message: "connection refused" });
    subject.notices.tell(first, noticeOf(5));
    await settle();
    expect(subject.notices.dropped).toBe(1);
    subject.failing = undefined;
    subject.notices.tell(first, noticeOf(6));
    await settle();
    expect(subject.sent).toMatchObject([{ counter: 6 }]);
  });

  test("after the close nothing goes any more", async () => {
    subject = new Subject();
    subject.notices.close();
    subject.notices.tellAll(noticeOf(5));
    await settle();
    expect(subject.sent).toEqual([]);
  });
});
