import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { playScript } from "./script.js";

// UPDATE_GOLDEN=1 writes what the protocol does today into the files; `git diff` then shows what has changed.
const update = process.env["UPDATE_GOLDEN"] === "1";
const folder = new URL(".", import.meta.url);

describe("golden traces", () => {
  test.each(readdirSync(folder).filter((name) => name.endsWith(".txt")))("%s", (name) => {
    const file = new URL(name, folder);
    const script = readFileSync(file, "utf8");
    const played = playScript(script);
    if (update) writeFileSync(file, played);
    else expect(played).toBe(script);
  });
});
