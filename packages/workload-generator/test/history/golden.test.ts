import { describe, expect, test } from "@jest/globals";
import { checkLinearizable, formatTimeline, type MutationOutcome, type Operation } from "../../src/index.js";

type Times = readonly [startedAt: number, endedAt: number];

const common = ([startedAt, endedAt]: Times) => ({ file: "files/a", client: "c1", startedAt, endedAt });
const done = (version?: number): MutationOutcome => ({ kind: "done", ...(version === undefined ? {} : { version }) });
const unknown: MutationOutcome = { kind: "unknown" };
const refused = (currentVersion?: number): MutationOutcome => ({
  kind: "condition_failed",
  ...(currentVersion === undefined ? {} : { currentVersion }),
});

function write(times: Times, value: string, outcome: MutationOutcome): Operation {
  return { ...common(times), kind: "write", value, outcome };
}

function writeIfAbsent(times: Times, value: string, outcome: MutationOutcome): Operation {
  return { ...common(times), kind: "write", value, condition: { kind: "absent" }, outcome };
}

function writeIfVersion(times: Times, value: string, version: number, outcome: MutationOutcome): Operation {
  return { ...common(times), kind: "write", value, condition: { kind: "version", version }, outcome };
}

function writeIfMatch(times: Times, value: string, match: string, outcome: MutationOutcome): Operation {
  return { ...common(times), kind: "write", value, condition: { kind: "value", value: match }, outcome };
}

function remove(times: Times, outcome: MutationOutcome): Operation {
  return { ...common(times), kind: "delete", outcome };
}

function read(times: Times, value: string, version?: number): Operation {
  const outcome = { kind: "found", value, ...(version === undefined ? {} : { version }) } as const;
  return { ...common(times), kind: "read", outcome };
}

function readAbsent(times: Times): Operation {
  return { ...common(times), kind: "read", outcome: { kind: "absent" } };
}

const good: Record<string, readonly Operation[]> = {
  nothing: [],
  "a file is absent before its first write": [readAbsent([0, 1]), write([2, 3], "a", done(1)), read([4, 5], "a", 1)],
  "a read during a write may see either": [
    write([0, 1], "a", done(1)),
    write([2, 9], "b", done(2)),
    read([3, 4], "a", 1),
    read([5, 6], "b", 2),
  ],
  "an end and a start at the same time overlap": [write([0, 5], "a", done(1)), readAbsent([5, 6])],
  "an unknown write takes effect long after": [
    write([0, 1], "a", unknown),
    readAbsent([2, 3]),
    read([100, 101], "a", 4),
  ],
  "an unknown write never takes effect": [write([0, 1], "a", unknown), readAbsent([2, 3]), readAbsent([100, 101])],
  "an unknown write explains a refusal": [write([0, 1], "a", unknown), writeIfAbsent([2, 3], "b", refused(7))],
  "an unknown delete explains an absent file": [
    write([0, 1], "a", done(1)),
    remove([2, 3], unknown),
    readAbsent([4, 5]),
    write([6, 7], "b", done(3)),
  ],
  "a failed write says nothing": [write([0, 1], "a", { kind: "failed" }), readAbsent([2, 3])],
  "one of two racing creations wins": [
    writeIfAbsent([0, 5], "a", done(1)),
    writeIfAbsent([0, 5], "b", refused(1)),
    read([6, 7], "a", 1),
  ],
  "a chain of conditional writes": [
    writeIfAbsent([0, 1], "a", done(3)),
    writeIfVersion([2, 3], "b", 3, done(5)),
    writeIfMatch([4, 5], "c", "b", done(6)),
    writeIfVersion([6, 7], "d", 5, refused(6)),
    read([8, 9], "c", 6),
  ],
  "deleting what is absent": [remove([0, 1], refused(0))],
  "a file made anew goes on counting": [
    write([0, 1], "a", done(1)),
    remove([2, 3], done(2)),
    write([4, 5], "b", done(3)),
  ],
  "values written twice": [
    write([0, 1], "a", done()),
    write([2, 3], "b", done()),
    write([4, 5], "a", done()),
    read([6, 7], "a"),
  ],
};

const bad: Record<string, readonly Operation[]> = {
  "a lost write": [write([0, 1], "a", done(1)), readAbsent([2, 3])],
  "a stale read": [write([0, 1], "a", done(1)), write([2, 3], "b", done(2)), read([4, 5], "a", 1)],
  "a value from the future": [read([0, 1], "a", 1), write([2, 3], "a", done(1))],
  "a value that nobody wrote": [write([0, 1], "a", done(1)), read([2, 3], "x", 1)],
  "a read that goes back": [
    write([0, 1], "a", done(1)),
    write([2, 20], "b", unknown),
    read([3, 4], "b", 2),
    read([5, 6], "a", 1),
  ],
  "a failed write that was seen": [write([0, 1], "a", { kind: "failed" }), read([2, 3], "a", 1)],
  "two winners of one creation": [writeIfAbsent([0, 5], "a", done(1)), writeIfAbsent([0, 5], "b", done(2))],
  "two winners on one version": [
    write([0, 1], "a", done(1)),
    writeIfVersion([2, 9], "b", 1, done(2)),
    writeIfVersion([2, 9], "c", 1, done(3)),
  ],
  "two winners on one etag": [
    write([0, 1], "a", done(1)),
    writeIfMatch([2, 9], "b", "a", done(2)),
    writeIfMatch([2, 9], "c", "a", done(3)),
  ],
  "a refusal without a reason": [writeIfAbsent([0, 1], "a", refused())],
  "a refusal that names a version which never was": [
    write([0, 1], "a", done(1)),
    writeIfAbsent([2, 3], "b", refused(2)),
  ],
  "a refusal on the very version that was asked for": [
    write([0, 1], "a", done(4)),
    writeIfVersion([2, 3], "b", 4, refused()),
  ],
  "one version for two writes": [write([0, 9], "a", done(1)), write([0, 9], "b", done(1))],
  "versions against the order of time": [write([0, 1], "a", done(2)), write([2, 3], "b", done(1))],
  "a read with another write's version": [
    write([0, 1], "a", done(1)),
    write([2, 3], "b", done(2)),
    read([4, 5], "b", 1),
  ],
  "a deleted file comes back": [
    write([0, 1], "a", done(1)),
    remove([2, 3], done(2)),
    readAbsent([4, 5]),
    read([6, 7], "a", 1),
  ],
  "a delete of what is absent": [remove([0, 1], done(1))],
  "an unknown write that undoes itself": [
    write([0, 1], "a", done()),
    write([2, 3], "b", unknown),
    read([4, 5], "b"),
    read([6, 7], "a"),
  ],
};

describe("histories that registers can produce", () => {
  test.each(Object.entries(good))("%s", (_name, history) => {
    expect(checkLinearizable(history)).toEqual({ ok: true });
  });
});

describe("histories that no register can produce", () => {
  test.each(Object.entries(bad))("%s", (_name, history) => {
    expect(checkLinearizable(history).ok).toBe(false);
  });
});

describe("minimal history", () => {
  test("a stale read among 3,000 operations on 30 files: the read, its write and the write in between", () => {
    const history = Array.from({ length: 30 }, (_, file) =>
      Array.from({ length: 50 }, (_value, index): Operation[] => [
        { ...write([index * 10, index * 10 + 3], `${file}.${index}`, done(index + 1)), file: `files/${file}` },
        { ...read([index * 10 + 4, index * 10 + 6], `${file}.${index}`, index + 1), file: `files/${file}` },
      ]).flat(),
    ).flat();
    const stale: Operation = { ...read([307, 309], "17.29", 30), file: "files/17" };
    const verdict = checkLinearizable([...history, stale]);
    if (verdict.ok) throw new Error("the stale read was not found");
    expect(verdict.file).toBe("files/17");
    expect(verdict.minimal).toHaveLength(3);
    expect(verdict.minimal.at(-1)).toEqual(stale);
    expect(verdict.minimal.map(({ kind }) => kind)).toEqual(["write", "write", "read"]);
  });

  test("timeline", () => {
    const history = [
      write([0, 1.5], "a", done(1)),
      writeIfVersion([2, 3], "b", 1, done(2)),
      remove([2.5, 3], unknown),
      read([4, 6], "a", 1),
    ];
    expect(formatTimeline(history).split("\n")).toEqual([
      "start    end  client                                    operation               outcome",
      '0.000  1.500  c1      ├───────┤                         write "a"               done, version 1',
      '2.000  3.000  c1                ├─────┤                 write "b" if version 1  done, version 2',
      "2.500      ?  c1                   ├┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄  delete                  unknown",
      '4.000  6.000  c1                           ├─────────┤  read                    "a", version 1',
    ]);
  });
});

test("100,000 operations on few files take seconds, not minutes", () => {
  const history: Operation[] = [];
  for (let index = 0; index < 50_000; index += 1) {
    const file = `files/${index % 5}`;
    const version = Math.floor(index / 5) + 1;
    // Ten operations on a file overlap at any time.
    history.push({ ...write([index, index + 20], String(index), done(version)), file });
    history.push({ ...read([index + 1, index + 30], String(index), version), file });
  }
  const startedAt = performance.now();
  expect(checkLinearizable(history)).toEqual({ ok: true });
  // A search that is not linear would need hours.
  expect(performance.now() - startedAt).toBeLessThan(30_000);
});
