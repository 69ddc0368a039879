import { describe, expect, it } from "@jest/globals";
import { QuorumError } from "@quorumfs/core";
import { parseCommandLine } from "../../src/cli/adapters/parse-command-line.js";
import { commands } from "../../src/cli/commands/index.js";
import { Printer } from "../../src/cli/printer.js";
import { literalOf, remoteGlob } from "../../src/cli/remote-glob.js";
import type { Terminal } from "../../src/cli/terminal.js";
import { printable } from "../../src/cli/wording.js";

class TestTerminal implements Terminal {
  readonly columns = 80;
  readonly hasColours = false;
  out = "";
  err = "";

  async write(data: string | Uint8Array): Promise<void> {
    this.out += typeof data === "string" ? data : Buffer.from(data).toString();
  }

  complain(line: string): void {
    this.err += `${line}\n`;
  }

  async *input(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array();
  }

  progress() {
    return () => undefined;
  }

  screen() {
    return undefined;
  }

  async confirm() {
    return undefined;
  }
}

const parse = (args: readonly string[], environment: Record<string, string> = {}) =>
  parseCommandLine({ version: "1.2.3", commands, args, environment });

describe("command line", () => {
  it("flag before environment before default", async () => {
    const fromDefault = await parse(["--print-config"]);
    expect(fromDefault).toMatchObject({ config: { endpoints: ["127.0.0.1:7000"], timeoutMs: 30_000 } });
    const environment = { QUORUMFS_ENDPOINT: "a:1,b:2", QUORUMFS_TIMEOUT: "5s" };
    expect(await parse(["--print-config"], environment)).toMatchObject({
      config: { endpoints: ["a:1", "b:2"], timeoutMs: 5000 },
    });
    expect(await parse(["--print-config", "-e", "c:3"], environment)).toMatchObject({
      config: { endpoints: ["c:3"], timeoutMs: 5000 },
    });
  });

  it.each([[["put", "--help"]], [["bucket", "create", "--help"]], [["--version"]], [["completion"]]])(
    "%j: text",
    async (args) => {
      expect(await parse(args)).toMatchObject({ kind: "text" });
    },
  );

  it.each([
    [[], "name a command; see quorumfs --help"],
    [["pit", "x"], "did you mean put? see quorumfs --help"],
    [["bucket", "creat", "x"], "did you mean create? see quorumfs bucket --help"],
    [["put", "--foo", "a", "b"], "unknown argument: foo; see quorumfs put --help"],
    [["ls", "--timeout", "soon"], '"soon" is not a duration; write it as 500ms, 30s, 5m or 1h30m'],
    [["ls", "--parallel", "0"], "--parallel must be a whole number from 1 to 256"],
  ])("%j: refused", async (args, message) => {
    await expect(parse(args)).rejects.toMatchObject({ code: "invalid_argument", message });
  });
});

describe("printer", () => {
  const rows = [
    { name: "a", size: 1 },
    { name: "b", size: 2 },
  ];

  async function print(format: "table" | "json" | "jsonl", under?: string, count = 2): Promise<string> {
    const terminal = new TestTerminal();
    const printer = new Printer(terminal, format);
    const sink = printer.rows<{ name: string }>({ line: ({ name }) => `- ${name}`, ...(under ? { under } : {}) });
    for (const row of rows.slice(0, count)) await sink.add(row);
    await sink.end(under ? { value: { summary: { files: count } }, text: `${count} files` } : undefined);
    return terminal.out;
  }

  it("table: a line each", async () => {
    expect(await print("table")).toBe("- a\n- b\n");
  });

  it.each([0, 1, 2])("json: an array of %d", async (count) => {
    expect(JSON.parse(await print("json", undefined, count))).toEqual(rows.slice(0, count));
  });

  it.each([0, 1, 2])("json: %d rows in an object with a summary", async (count) => {
    expect(JSON.parse(await print("json", "files", count))).toEqual({
      files: rows.slice(0, count),
      summary: { files: count },
    });
  });

  it("jsonl: an object a line", async () => {
    const lines = (await print("jsonl", "files")).trimEnd().split("\n");
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual([...rows, { summary: { files: 2 } }]);
  });

  it.each(["json", "jsonl"] as const)("%s: an error is JSON on standard error", (format) => {
    const terminal = new TestTerminal();
    const details = { currentVersion: 3, mayHaveRun: true };
    new Printer(terminal, format).problem(new QuorumError({ code: "precondition_failed", message: "no", details }));
    expect(JSON.parse(terminal.err)).toEqual({
      error: { code: "precondition_failed", message: "no", details: { currentVersion: 3 } },
    });
  });
});

describe("remote pattern", () => {
  it.each([
    ["logs/*.log", "logs/", "logs/a.log", true],
    ["logs/*.log", "logs/", "logs/x/a.log", false],
    ["logs/**/*.log", "logs/", "logs/a.log", true],
    ["logs/**/*.log", "logs/", "logs/x/y/a.log", true],
    ["a?c", "", "abc", true],
    ["a?c", "", "a/c", false],
    ["a\\*b*", "", "a*bc", true],
    ["a\\*b*", "", "axbc", false],
    ["a.b(c)*", "", "a.b(c)d", true],
    ["a.b(c)*", "", "axb(c)d", false],
    ["\u{1f600}?", "", "\u{1f600}\u{1f600}", true],
  ])("%s, below %j, against %s: %s", (pattern, base, path, matches) => {
    const glob = remoteGlob(pattern);
    expect(glob?.base).toBe(base);
    expect(glob?.matches(path)).toBe(matches);
  });

  it("escaped wildcards make no pattern", () => {
    expect(remoteGlob("a\\*b")).toBeUndefined();
    expect(literalOf("a\\*b")).toBe("a*b");
  });
});

describe("wording", () => {
  it("marks that reorder text are shown", () => {
    expect(printable("evil\u202egpj.exe")).toBe("evil\\u202egpj.exe");
  });
});
