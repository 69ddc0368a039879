import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import type { runSystem } from "../../../src/system/system.js";

const packages = fileURLToPath(new URL("../../../../", import.meta.url));

/** A piece of source text that is there exactly once, and what stands there in the mutant. */
export interface SystemPatch {
  /** Below packages/. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

// What only real processes need (gRPC, LMDB, log files) is loaded and never used.
const nothing = `
  const nothing = new Proxy(function () {}, { get: (_, name) => (name === Symbol.toPrimitive ? () => "" : nothing) });
  // The bundler copies own properties, of which there are none, and keeps the prototype.
  module.exports = Object.create(nothing);
`;

/** The whole system with patches applied, from today's sources. A patch that does not fit exactly once fails loudly. */
export async function buildSystemMutant(patches: readonly SystemPatch[]): Promise<typeof runSystem> {
  const applied = new Set<SystemPatch>();
  const { outputFiles } = await build({
    entryPoints: [join(packages, "testkit/src/system/system.ts")],
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
            const [, name = "", entry = "index"] = path.split("/");
            return { path: join(packages, name, "src", `${entry}.ts`) };
          });
          builder.onResolve(
            {
              filter: /^(@grpc|lmdb|winston|grpc-health-check|hash-wasm|hdr-histogram|prom-client|@opentelemetry)/,
            },
            () => {
              return { path: "nothing", namespace: "nothing" };
            },
          );
          // Machine code, which no bundle can hold: checksums of chunks.
          builder.onResolve({ filter: /^@node-rs/ }, ({ path, importer }) => {
            return { path: createRequire(importer).resolve(path), external: true };
          });
          builder.onLoad({ filter: /.*/, namespace: "nothing" }, () => ({ contents: nothing, loader: "js" }));
          builder.onLoad({ filter: /\.ts$/ }, ({ path }) => {
            let contents = readFileSync(path, "utf8");
            const file = relative(packages, path).replaceAll("\\", "/");
            for (const patch of patches.filter((one) => one.file === file)) {
              const pieces = contents.split(patch.find);
              if (pieces.length !== 2) throw new Error(`${file} has this ${pieces.length - 1} times: ${patch.find}`);
              contents = pieces.join(patch.replace);
              applied.add(patch);
            }
            return { contents, loader: "ts" };
          });
        },
      },
    ],
  });
  const missed = patches.find((patch) => !applied.has(patch));
  if (missed) throw new Error(`${missed.file} is no part of the system any more`);
  return load(outputFiles[0]?.text ?? "");
}

async function load(code: string): Promise<typeof runSystem> {
  const directory = await mkdtemp(join(tmpdir(), "quorumfs-mutant-"));
  try {
    const path = join(directory, "system.mjs");
    await writeFile(path, code);
    const loaded = (await import(pathToFileURL(path).href)) as { runSystem: typeof runSystem };
    return loaded.runSystem;
  } finally {
    await rm(directory, { recursive: true });
  }
}
