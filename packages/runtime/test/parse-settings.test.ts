import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { type Parsed, parseSettings, type Settings } from "@quorumfs/runtime";
import { temporaryDirectory } from "./temporary-directory.js";

const settings = {
  port: { type: "number", default: 7000, describe: "Port" },
  "data-dir": { type: "string", default: "data", describe: "Directory" },
  endpoint: { type: "array", string: true, default: ["a:1"], describe: "Where" },
  verify: { type: "boolean", default: false, describe: "Check" },
} satisfies Settings;

const options = { name: "quorumfs-x", description: "Does x.", version: "1.2.3", settings, examples: [] };

function parse(args: string, environment: Record<string, string> = {}): Promise<Parsed<typeof settings>> {
  return parseSettings(options, args.split(" ").filter(Boolean), environment);
}

async function valuesOf(args: string, environment?: Record<string, string>): Promise<Record<string, unknown>> {
  const parsed = await parse(args, environment);
  if (parsed.kind === "text") throw new Error("printed instead");
  const { port, endpoint, verify } = parsed.values;
  return { port, dataDir: parsed.values["data-dir"], endpoint, verify };
}

async function withFile(content: string, use: (path: string) => Promise<void>): Promise<void> {
  const directory = await temporaryDirectory();
  try {
    const path = join(directory.path, "config.json");
    await writeFile(path, content);
    await use(path);
  } finally {
    await directory.remove();
  }
}

describe("settings", () => {
  test("default", async () => {
    expect(await valuesOf("")).toEqual({ port: 7000, dataDir: "data", endpoint: ["a:1"], verify: false });
  });

  test("file above default, environment above file, flag above environment", async () => {
    await withFile('{ "port": 1, "data-dir": "file", "endpoint": ["f:1", "f:2"] }', async (path) => {
      const file = `--config ${path}`;
      const environment = { QUORUMFS_PORT: "2", QUORUMFS_ENDPOINT: "e:1,e:2" };
      expect(await valuesOf(file)).toMatchObject({ port: 1, dataDir: "file", endpoint: ["f:1", "f:2"] });
      expect(await valuesOf(file, environment)).toMatchObject({ port: 2, dataDir: "file", endpoint: ["e:1", "e:2"] });
      expect(await valuesOf(`${file} --port 3 --endpoint x:1 --endpoint x:2`, environment)).toMatchObject({
        port: 3,
        dataDir: "file",
        endpoint: ["x:1", "x:2"],
      });
    });
  });

  test("the file may be named by the environment", async () => {
    await withFile('{ "port": 1 }', async (path) => {
      expect(await valuesOf("", { QUORUMFS_CONFIG: path })).toMatchObject({ port: 1 });
    });
  });

  test("switches: by environment, and off again by flag", async () => {
    expect(await valuesOf("", { QUORUMFS_VERIFY: "true" })).toMatchObject({ verify: true });
    expect(await valuesOf("--no-verify", { QUORUMFS_VERIFY: "true" })).toMatchObject({ verify: false });
  });

  test("variables of other binaries are no mistake", async () => {
    expect(await valuesOf("", { QUORUMFS_ELSEWHERE: "1" })).toMatchObject({ port: 7000 });
  });

  test.each([
    ["--prot 1", "unknown argument: prot"],
    ["--port", "not enough arguments following: port"],
    ["--port abc", "--port takes a number"],
    ["--port 1 --port 2", "--port was given more than once"],
    ["extra", "too many non-option arguments"],
    ["--config /does/not/exist.json", "cannot read --config"],
  ])("%s: refused", async (args, message) => {
    await expect(parse(args)).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining(message),
    });
  });

  test.each([
    ["{", "cannot read --config"],
    ["[]", "must hold one JSON object"],
    ['{ "prot": 1 }', "unknown settings: prot"],
    ['{ "port": "x" }', "--port takes a number"],
  ])("file %s: refused", async (content, message) => {
    await withFile(content, async (path) => {
      await expect(parse(`--config ${path}`)).rejects.toMatchObject({
        code: "invalid_argument",
        message: expect.stringContaining(message),
      });
    });
  });

  test("--help and --version are text", async () => {
    expect(await parse("--version")).toEqual({ kind: "text", text: "1.2.3" });
    const help = await parse("--help --port 1");
    expect(help).toMatchObject({ kind: "text", text: expect.stringContaining("--data-dir") });
  });

  test("--print-config is told, not done", async () => {
    expect(await parse("--print-config --port 5")).toMatchObject({ printConfig: true, values: { port: 5 } });
  });
});
