import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import type { Protocol } from "../../../src/index.js";
import type { Patch } from "./mutants.js";

const packages = fileURLToPath(new URL("../../../../", import.meta.url));

/**
 * The protocol from today's sources with patches applied: production code holds no switches for its tests. A patch that
 * does not fit exactly once fails loudly, for then the source has moved on and the mutant would be no mutant.
 */
export async function buildMutant(patches: readonly Patch[]): Promise<Protocol> {
  const applied = new Set<Patch>();
  const { outputFiles } = await build({
    entryPoints: [join(packages, "testkit/src/simulation/protocol.ts")],
    alias: { "@quorumfs/core": join(packages, "core/src/index.ts") },
    bundle: true,
    format: "esm",
    platform: "neutral",
    target: "es2023",
    write: false,
    logLevel: "silent",
    plugins: [
      {
        name: "patch",
        setup(builder) {
          builder.onLoad({ filter: /\.ts$/ }, ({ path }) => {
            let contents = readFileSync(path, "utf8");
            const file = relative(packages, path).replaceAll("\\", "/");
            for (const patch of patches.filter((one) => one.file === file)) {
              contents = applyPatch(contents, patch);
              applied.add(patch);
            }
            return { contents, loader: "ts" };
          });
        },
      },
    ],
  });
  const missed = patches.find((patch) => !applied.has(patch));
  if (missed) throw new Error(`${missed.file} is no part of the protocol any more`);
  return load(outputFiles[0]?.text ?? "");
}

function applyPatch(source: string, { file, find, replace }: Patch): string {
  const pieces = source.split(find);
  if (pieces.length !== 2) throw new Error(`${file} has this ${pieces.length - 1} times, not once: ${find}`);
  return pieces.join(replace);
}

async function load(code: string): Promise<Protocol> {
  const directory = await mkdtemp(join(tmpdir(), "quorumfs-mutant-"));
  try {
    const path = join(directory, "protocol.mjs");
    await writeFile(path, code);
    const loaded = (await import(pathToFileURL(path).href)) as { protocol: Protocol };
    return loaded.protocol;
  } finally {
    await rm(directory, { recursive: true });
  }
}
