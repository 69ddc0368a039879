import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  behindPrefix,
  checkPath,
  commonPrefixOf,
  comparePaths,
  ListAssembly,
  type ListQuery,
} from "../../src/index.js";
import { value } from "./support.js";

const everything: ListQuery = { prefix: "", delimiter: "", after: "", limit: 100 };

/** Lists one page out of sorted paths, in ranges of `rangeLimit`, as a lister does. */
function listPage(paths: readonly string[], query: ListQuery, rangeLimit: number) {
  const assembly = new ListAssembly(query);
  let ranges = 0;
  while (!assembly.done) {
    ranges += 1;
    const { cursor } = assembly;
    const behind = paths.filter((path) => path.startsWith(query.prefix) && comparePaths(path, cursor) > 0);
    const range = cursor === "" ? paths.filter((path) => path.startsWith(query.prefix)) : behind;
    for (const path of range.slice(0, rangeLimit)) assembly.add({ path, value: value(1) });
    assembly.reached(range.length > rangeLimit ? range[rangeLimit - 1] : undefined);
  }
  const files = assembly.files.map(({ path }) => path);
  return { files, commonPrefixes: assembly.commonPrefixes, nextAfter: assembly.nextAfter, ranges };
}

describe("list assembly", () => {
  const paths = ["a", "b/1", "b/2", "b/3", "c", "d/1", "e"];

  it("a page that holds everything is the last one", () => {
    expect(listPage(paths, everything, 100)).toMatchObject({ files: paths, nextAfter: "" });
  });

  it("a page that is full exactly at the end is the last one", () => {
    expect(listPage(paths, { ...everything, limit: paths.length }, 100).nextAfter).toBe("");
  });

  it("a full page says where the next one starts", () => {
    expect(listPage(paths, { ...everything, limit: 2 }, 100)).toMatchObject({ files: ["a", "b/1"], nextAfter: "b/1" });
  });

  it("common prefixes and files together fill a page", () => {
    expect(listPage(paths, { ...everything, delimiter: "/", limit: 3 }, 100)).toMatchObject({
      files: ["a", "c"],
      commonPrefixes: ["b/"],
      nextAfter: "c",
    });
  });

  it("a page that starts behind a common prefix skips all that it stands for", () => {
    expect(listPage(paths, { ...everything, delimiter: "/", after: "b/" }, 100)).toMatchObject({
      files: ["c", "e"],
      commonPrefixes: ["d/"],
    });
  });

  it("a common prefix that stands for many files takes one further range", () => {
    const many = Array.from({ length: 1000 }, (_, index) => `b/${String(index).padStart(4, "0")}`);
    const { commonPrefixes, files, ranges } = listPage(["a", ...many, "c"], { ...everything, delimiter: "/" }, 10);
    expect({ commonPrefixes, files, ranges }).toEqual({ commonPrefixes: ["b/"], files: ["a", "c"], ranges: 2 });
  });

  it("a page ends before it is larger than a message may be", () => {
    const long = Array.from({ length: 2000 }, (_, index) => `${"x".repeat(1000)}${String(index).padStart(4, "0")}`);
    const { files, nextAfter } = listPage(long, { ...everything, limit: 2000 }, 2000);
    expect(files.length).toBeLessThan(1000);
    expect(nextAfter).toBe(files.at(-1));
  });

  it("a page that stops early goes on where it stopped", () => {
    const assembly = new ListAssembly(everything);
    assembly.add({ path: "a", value: value(1) });
    assembly.reached("k");
    expect(assembly.stopHere("k")).toBe(true);
    expect(assembly.nextAfter).toBe("k");
  });

  it("a page does not stop at a path that would read as a common prefix", () => {
    const assembly = new ListAssembly({ ...everything, delimiter: "-" });
    expect(assembly.stopHere("a-")).toBe(false);
  });

  it("what stands behind a prefix is behind each of its paths, and before all others", () => {
    const longest = `a/${"\u{10ffff}".repeat(255)}`;
    for (const path of ["a/b", "a/\u{10ffff}", checkPath(longest)]) {
      expect(comparePaths(path, behindPrefix("a/"))).toBeLessThan(0);
    }
    expect(comparePaths("a0", behindPrefix("a/"))).toBeGreaterThan(0);
  });
});

describe("list assembly, page after page", () => {
  const segment = fc.constantFrom("a", "b", "-", "a-b", "é", "\u{1f600}");
  const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join("/"));
  const scenario = fc.record({
    paths: fc.uniqueArray(path, { maxLength: 40 }),
    prefix: fc.constantFrom("", "a", "a/", "-", "zz"),
    delimiter: fc.constantFrom("", "/", "-", "a/"),
    limit: fc.integer({ min: 1, max: 5 }),
    rangeLimit: fc.integer({ min: 1, max: 7 }),
  });

  it("shows everything once and in order, whatever the page and range sizes", () => {
    fc.assert(
      fc.property(scenario, ({ paths, prefix, delimiter, limit, rangeLimit }) => {
        const sorted = [...paths].sort(comparePaths);
        const seen = { files: [] as string[], commonPrefixes: [] as string[] };
        let after = "";
        for (let page = 0; page === 0 || after !== ""; page += 1) {
          expect(page).toBeLessThanOrEqual(sorted.length);
          const shown = listPage(sorted, { prefix, delimiter, after, limit }, rangeLimit);
          expect(shown.files.length + shown.commonPrefixes.length).toBeLessThanOrEqual(limit);
          seen.files.push(...shown.files);
          seen.commonPrefixes.push(...shown.commonPrefixes);
          after = shown.nextAfter;
        }
        const matching = sorted.filter((candidate) => candidate.startsWith(prefix));
        const rollUp = (candidate: string) => commonPrefixOf(candidate, { prefix, delimiter });
        const files = matching.filter((candidate) => rollUp(candidate) === undefined);
        const rolledUp = new Set(matching.map(rollUp).filter((common) => common !== undefined));
        expect(seen).toEqual({ files, commonPrefixes: [...rolledUp] });
      }),
      { numRuns: 1000 },
    );
  });
});
