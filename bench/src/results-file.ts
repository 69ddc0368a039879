import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** Writes what was measured to `bench/results/NAME.json`. */
export async function writeResults(name: string, results: unknown): Promise<void> {
  const directory = fileURLToPath(new URL("../results/", import.meta.url));
  await mkdir(directory, { recursive: true });
  await writeFile(`${directory}${name}.json`, `${JSON.stringify(results, undefined, 2)}\n`);
  process.stdout.write(`\nwritten to bench/results/${name}.json\n`);
}
