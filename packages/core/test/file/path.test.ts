import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  QuorumError,
  checkBucketName,
  checkPath,
  checkPrefix,
  comparePaths,
  formatFileName,
  parseFileName,
  pathBytesMax,
} from "../../src/index.js";

function refusal(check: () => unknown): string {
  try {
    check();
  } catch (error) {
    const { code, message } = QuorumError.from(error);
    expect(code).toBe("invalid_argument");
    return message;
  }
  throw new Error("was not refused");
}

/** UTF-8 cut off in the middle, as a decoder hands it on. */
const cutOff = Buffer.from([0x61, 0xe2, 0x82]).toString("utf8");

const badText: readonly (readonly [string, string])[] = [
  ["NUL", "a\0b"],
  ["a line feed", "a\nb"],
  ["DEL", "a\u007fb"],
  ["a C1 control", "a\u0085b"],
  ["a lone high surrogate", "a\ud800"],
  ["a lone low surrogate", "\udc00a"],
  ["surrogates the wrong way round", "\udc00\ud800"],
  ["the replacement character", "a\ufffd"],
  ["UTF-8 that was cut off", cutOff],
];

const badSegments: readonly (readonly [string, string])[] = [
  ["a step up", "a/../b"],
  ["nothing but a step up", ".."],
  ["steps up at the end", "a/.."],
  ["a dot", "./a"],
  ["a leading slash", "/a"],
  ["a trailing slash", "a/"],
  ["a doubled slash", "a//b"],
  ["nothing but a slash", "/"],
];

const good = [
  "a",
  "a/b/c",
  "...",
  ".hidden",
  "a..b/..c/d..",
  "__proto__",
  "constructor/prototype/toString",
  "with space/and\\backslash",
  "C:/windows",
  "%2e%2e/%00",
  "été/ß/日本語/😀",
  "\u00e9 is not e\u0301",
  "\uffff\u{10ffff}",
  "a".repeat(pathBytesMax),
  "é".repeat(pathBytesMax / 2),
  "😀".repeat(pathBytesMax / 4),
];

describe("path", () => {
  test.each(good)("allowed, and left as it is: %j", (path) => {
    expect(checkPath(path)).toBe(path);
    expect(parseFileName(`files/${path}`)).toEqual({ bucket: "files", path });
  });

  test.each([...badText, ...badSegments, ["nothing", ""]] as const)("refused: %s", (_, path) => {
    expect(refusal(() => checkPath(path))).toMatch(/^path /);
    expect(refusal(() => parseFileName(`files/${path}`))).toMatch(/^path /);
  });

  test.each([
    ["of one-byte characters", "a".repeat(pathBytesMax + 1), 1025],
    ["of two-byte characters", "é".repeat(pathBytesMax / 2) + "a", 1025],
    ["of four-byte characters", "😀".repeat(pathBytesMax / 4) + "a", 1025],
    ["enormous", "a".repeat(1_000_000), 1_000_000],
  ])("too long: %s", (_, path, bytes) => {
    expect(refusal(() => checkPath(path))).toContain(`is ${bytes} bytes long; the most is 1024`);
  });

  test("a message shows what is wrong, but no more than a line of it", () => {
    expect(refusal(() => checkPath("a\nb"))).toBe('path "a\\nb" has a control character');
    expect(refusal(() => checkPath(`${"x".repeat(1_000)}/../y`)).length).toBeLessThan(200);
  });

  test("whatever comes in, the answer is yes or invalid_argument, and yes means safe", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        try {
          checkPath(text);
        } catch (error) {
          expect(QuorumError.from(error).code).toBe("invalid_argument");
          return;
        }
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(pathBytesMax);
        expect(Buffer.from(text).toString()).toBe(text);
        expect(text.split("/").every((segment) => segment !== "" && segment !== "." && segment !== "..")).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("prefix", () => {
  test.each(["", "/", "a/", "..", "a//", "."])("may end anywhere: %j", (prefix) => {
    expect(checkPrefix(prefix)).toBe(prefix);
  });

  test.each([...badText, ["too many bytes", "a".repeat(1025)]] as const)("refused: %s", (_, prefix) => {
    expect(refusal(() => checkPrefix(prefix))).toMatch(/^prefix /);
  });
});

describe("bucket name", () => {
  test.each(["abc", "a-b", "0a9", "a".repeat(63), "x--y"])("allowed: %s", (name) => {
    expect(checkBucketName(name)).toBe(name);
  });

  test.each(["", "ab", "a".repeat(64), "-ab", "ab-", "Abc", "a_b", "a.b", "a/b", "abc\n", "äöü", "__proto__"])(
    "refused: %j",
    (name) => {
      expect(refusal(() => checkBucketName(name))).toMatch(/^bucket name /);
    },
  );
});

describe("file name", () => {
  test("is cut at the first slash, and put together again", () => {
    expect(parseFileName("files/a/b")).toEqual({ bucket: "files", path: "a/b" });
    expect(formatFileName({ bucket: "files", path: "a/b" })).toBe("files/a/b");
  });

  test("without a bucket: says how to write it", () => {
    expect(refusal(() => parseFileName("readme"))).toContain("for example files/readme");
  });
});

describe("order of paths", () => {
  const anyText = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: fc.constantFrom("a", "b", "é", "\ud7ff", "\ue000", "\uffff", "😀", "\u{10000}") }),
  );

  test("is the byte order of UTF-8", () => {
    fc.assert(
      fc.property(anyText, anyText, (a, b) => {
        expect(Math.sign(comparePaths(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
      { numRuns: 3_000 },
    );
  });

  test("characters beyond the basic plane come last, unlike in JavaScript's order", () => {
    expect("😀" < "\uffff").toBe(true);
    expect(comparePaths("😀", "\uffff")).toBeGreaterThan(0);
  });
});
