/**
 * `npm run docs`: writes what the code knows better than people remember: the references in docs/, the dashboards, the alert
 * rules. With `--check` it writes nothing, and fails where something is not current.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { format, resolveConfig } from "prettier";
import { generated } from "./generated.js";
import { clone } from "./settings-reference.js";

const check = process.argv.includes("--check");
const stale: string[] = [];
for (const { path, content } of generated()) {
  const absolute = clone + path;
  const text = path.endsWith(".md") ? content : await formatted(absolute, content);
  if (read(absolute) === text) continue;
  stale.push(path);
  if (!check) writeFileSync(absolute, text);
}

for (const path of stale) console.log(check ? `${path} is not current` : `written: ${path}`);
if (check && stale.length > 0) {
  console.error("run `npm run docs`, look at what changed, and commit it");
  process.exitCode = 1;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** As the rest of the clone is, so that the lint step has nothing to say. */
async function formatted(path: string, content: string): Promise<string> {
  return format(content, { ...(await resolveConfig(path)), filepath: path });
}
