import { afterEach, describe, expect, test } from "@jest/globals";
import { silentLog } from "@quorumfs/runtime";
import type { ClusterView } from "../../src/cluster/cluster-view.js";
import { OwnerChecks, sweepEveryMsDefault as sweepEveryMs } from "../../src/content/owner-checks.js";
import type { Audience, WalkResult } from "../../src/content/owner-walks.js";
import { StepClock } from "../support/step-clock.js";
import { clusterOf } from "./fixture.js";

const done: WalkResult = { checked: 1, failed: 0 };
const failed: WalkResult = { checked: 1, failed: 1 };

class Subject {
  readonly clock = new StepClock();
  readonly walked: string[] = [];
  result = done;
  #install: (view: ClusterView, before: ClusterView) => void = () => {};
  readonly checks = new OwnerChecks({
    sweepEveryMs,
    walks: {
      lapsed: () => this.#walk("lapsed"),
      owners: () => this.#walk("owners"),
      holders: (audience) => this.#walk(`holders for ${nameOf(audience)}`),
    },
    store: {
      onInstalled: (listener) => {
        this.#install = listener;
        return () => (this.#install = () => {});
      },
    },
    isLocal: (node) => node === 1,
    clock: this.clock,
    log: silentLog,
  });

  async #walk(name: string): Promise<WalkResult> {
    this.walked.push(name);
    return this.result;
  }

  /** The nodes `down` were down, and are up now. */
  back(...down: readonly number[]): void {
    this.#install(clusterOf(3).view, clusterOf(3, down).view);
  }
}

function nameOf(audience: Audience): string {
  return audience === "all" ? "all" : [...audience].join(" and ");
}

let subject: Subject;
afterEach(() => subject.checks.close());

describe("walks over owners", () => {
  test("after the start: lapsed uploads and the owners of what is here; then lapsed ones every minute", async () => {
    subject = new Subject();
    subject.checks.start();
    await subject.clock.pass(5000);
    expect(subject.walked.splice(0)).toEqual(["lapsed", "owners"]);
    await subject.clock.pass(3 * sweepEveryMs);
    expect(subject.walked).toEqual(["lapsed", "lapsed", "lapsed"]);
  });

  test("another node is back: it is told of what it may have missed, and nobody else", async () => {
    subject = new Subject();
    subject.back(2);
    await subject.clock.pass(1);
    expect(subject.walked).toEqual(["holders for 2"]);
  });

  test("several are back at a time: one walk for all of them", async () => {
    subject = new Subject();
    subject.back(2);
    subject.back(3);
    subject.back(2);
    await subject.clock.pass(1);
    expect(subject.walked).toEqual(["holders for 2 and 3"]);
  });

  test("this node was taken for gone: it looks after its own", async () => {
    subject = new Subject();
    subject.back(1);
    await subject.clock.pass(1);
    expect(subject.walked).toEqual(["owners"]);
  });

  test("nothing has changed about who is up: no walk", async () => {
    subject = new Subject();
    subject.back();
    await subject.clock.pass(1);
    expect(subject.walked).toEqual([]);
  });

  test("after a scrub: everything, for all", async () => {
    subject = new Subject();
    subject.checks.checkAll();
    await subject.clock.pass(1);
    expect(subject.walked).toEqual(["owners", "holders for all"]);
  });

  test("what was not all done is done again, later each time; lapsed uploads wait for their sweep", async () => {
    subject = new Subject();
    subject.result = failed;
    subject.checks.checkAll();
    await subject.clock.pass(29_000);
    expect(subject.walked.splice(0)).toEqual(["owners", "holders for all"]);
    await subject.clock.pass(2000);
    expect(subject.walked).toEqual(["owners"]);
    subject.result = done;
    await subject.clock.pass(600_000);
    expect(subject.walked).toEqual(["owners", "holders for all", "owners"]);
  });

  test("one kind does not starve the others: lapsed uploads that fill each minute leave the others their turn", async () => {
    subject = new Subject();
    const { clock, walked } = subject;
    let sweeps = 0;
    // Never done before the next sweep is due.
    const checks = new OwnerChecks({
      sweepEveryMs,
      walks: {
        lapsed: () =>
          new Promise((resolve) => {
            sweeps += 1;
            clock.after(2 * sweepEveryMs, () => resolve(failed));
          }),
        owners: async () => {
          walked.push("owners");
          return done;
        },
        holders: () => Promise.resolve(done),
      },
      store: { onInstalled: () => () => undefined },
      isLocal: () => false,
      clock,
      log: silentLog,
    });
    checks.start();
    await clock.pass(5 * sweepEveryMs);
    expect(sweeps).toBeGreaterThan(1);
    expect(walked).toEqual(["owners"]);
    const closing = checks.close();
    await clock.pass(2 * sweepEveryMs);
    await closing;
  });

  test("after the close: none", async () => {
    subject = new Subject();
    subject.checks.start();
    await subject.checks.close();
    subject.checks.checkAll();
    await subject.clock.pass(100_000);
    expect(subject.walked).toEqual([]);
    expect(subject.clock.timers).toBe(0);
  });
});
