import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const packages = fileURLToPath(new URL("../../", import.meta.url));

/** A piece of source text that is there exactly once, and what stands there in the mutant. */
export interface SourcePatch {
  /** Below packages/. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

// What only real processes need (gRPC, LMDB, log files) is loaded and never used.
const forProcesses = /^(@grpc|lmdb|winston|grpc-health-check|hash-wasm|hdr-histogram|prom-client|@opentelemetry)/;
const nothing = `
  const nothing = new Proxy(function () {}, { get: (_, name) => (name === Symbol.toPrimitive ? () => "" : nothing) });
  // The bundler copies own properties, of which there are none, and keeps the prototype.
  module.exports = Object.create(nothing);
`;

/**
 * Loads a module and all that it needs from today's sources with patches applied: production code holds no switches for its
 * tests. A patch that does not fit exactly once fails loudly, for then the source has moved on and the mutant would be no mutant.
 *
 * @param entry below packages/
 * @returns what the module exports
 */
export async function loadPatched(entry: string, patches: readonly SourcePatch[]): Promise<unknown> {
  const applied = new Set<SourcePatch>();
  const { outputFiles } = await build({
    entryPoints: [join(packages, entry)],
    bundle: true,
    format: "esm",
    platform: "node",
    target: "es2023",
    write: false,
    logLevel: "silent",
    plugins: [
      {
        name: "patch",
        setup(builder) {
          builder.onResolve({ filter: /^@quorumfs\// }, ({ path }) => {
            const [, name = "", file = "index"] = path.split("/");
            return { path: join(packages, name, "src", `${file}.ts`) };
          });
          builder.onResolve({ filter: forProcesses }, () => ({ path: "nothing", namespace: "nothing" }));
          // Machine code, which no bundle can hold: checksums of chunks.
          builder.onResolve({ filter: /^@node-rs/ }, ({ path, importer }) => {
            return { path: createRequire(importer).resolve(path), external: true };
          });
          builder.onLoad({ filter: /.*/, namespace: "nothing" }, () => ({ contents: nothing, loader: "js" }));
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
  if (missed) throw new Error(`${missed.file} is no part of ${entry} any more`);
  return load(outputFiles[0]?.text ?? "");
}

function applyPatch(source: string, { file, find, replace }: SourcePatch): string {
  const pieces = source.split(find);
  if (pieces.length !== 2) throw new Error(`${file} has this ${pieces.length - 1} times, not once: ${find}`);
  return pieces.join(replace);
}

async function load(code: string): Promise<unknown> {
  const directory = await mkdtemp(join(tmpdir(), "quorumfs-mutant-"));
  try {
    const path = join(directory, "mutant.mjs");
    await writeFile(path, code);
    return await import(pathToFileURL(path).href);
  } finally {
    await rm(directory, { recursive: true });
  }
}
