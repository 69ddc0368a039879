import { describe, expect, test } from "@jest/globals";
import { consoleConfig, type ConsoleFlags, consoleSettings } from "../src/console-settings.js";

const token = "a-token-of-some-length";
const flags: ConsoleFlags = { host: "127.0.0.1", port: "7080", token: undefined, tokenFile: undefined, names: [] };

describe("console settings", () => {
  test("a port, any port, or none", () => {
    expect(consoleSettings(flags)).toMatchObject({ host: "127.0.0.1", port: 7080, token: undefined });
    expect(consoleSettings({ ...flags, port: "0" })?.port).toBe(0);
    expect(consoleSettings({ ...flags, port: "off" })).toBeUndefined();
  });

  test("a token, from a file with a line break too, is kept and not printed", () => {
    for (const given of [{ token }, { tokenFile: `${token}\n` }]) {
      const settings = consoleSettings({ ...flags, ...given, host: "0.0.0.0" });
      expect(settings && consoleConfig(settings).token).toBe(token);
      expect(JSON.stringify(settings)).not.toContain(token);
    }
  });

  test.each([
    [{ port: "x" }],
    [{ port: "70000" }],
    [{ port: "-1" }],
    [{ host: "0.0.0.0" }],
    [{ token: "short" }],
    [{ tokenFile: "" }],
    [{ token, tokenFile: token }],
  ])("refused: %j", (wrong) => {
    const expected = expect.objectContaining({ code: "invalid_argument" });
    expect(() => consoleSettings({ ...flags, ...wrong })).toThrow(expected);
  });
});
