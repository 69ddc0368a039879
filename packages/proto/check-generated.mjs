// Generates the stubs again into a temporary folder and compares: a contract that was changed without its code, or code
// that was changed by hand, is found here and not by a reader.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const generated = join("packages", "proto", "src", "gen");
const temporary = mkdtempSync(join(tmpdir(), "quorumfs-generated-"));

/** @returns a map from relative path to content of every file below a folder. */
function contents(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map((entry) => {
      const path = join(entry.parentPath ?? entry.path, entry.name);
      return [path.slice(folder.length + 1), readFileSync(path, "utf8")];
    }),
  );
}

try {
  const buf = spawnSync(
    process.execPath,
    [join(root, "node_modules/@bufbuild/buf/bin/buf"), "generate", "-o", temporary],
    {
      cwd: root,
      stdio: "inherit",
    },
  );
  if (buf.status !== 0) throw new Error("buf generate failed");
  const expected = contents(join(temporary, generated));
  const actual = contents(join(root, generated));
  const stale = [...new Set([...expected.keys(), ...actual.keys()])].filter(
    (path) => expected.get(path) !== actual.get(path),
  );
  for (const path of stale) console.error(`differs from its contract: ${join(generated, path)}`);
  if (stale.length > 0) throw new Error("run `npm run generate` and commit what changes");
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
