import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { clone } from "../processes/built.js";

export interface PrometheusPrograms {
  readonly prometheus: string;
  readonly promtool: string;
}

/** Where a copy of Debian's package is kept from run to run. */
const cache = join(clone, "node_modules/.cache/prometheus");

/** A download of 20 MB, perhaps behind another one of package lists. */
export const programsTimeoutMs = 300_000;

/**
 * Prometheus as it is installed here, or else, where there is apt, as Debian's package holds it: unpacked for these tests
 * alone, since installing it would start a service.
 *
 * @throws Error with what to do, where neither works
 */
export function prometheusPrograms(): PrometheusPrograms {
  const found = onPath() ?? inDirectory(join(cache, "usr/bin")) ?? downloaded();
  if (found) return found;
  throw new Error(
    "this test runs a real Prometheus, which is not here and could not be downloaded by apt-get: " +
      "install Prometheus (apt-get install prometheus), so that `prometheus` and `promtool` are found",
  );
}

function onPath(): PrometheusPrograms | undefined {
  const directories = (process.env["PATH"] ?? "").split(delimiter).filter((directory) => directory !== "");
  return directories.map(inDirectory).find((programs) => programs !== undefined);
}

function inDirectory(directory: string): PrometheusPrograms | undefined {
  const programs = { prometheus: join(directory, "prometheus"), promtool: join(directory, "promtool") };
  return existsSync(programs.prometheus) && existsSync(programs.promtool) ? programs : undefined;
}

function downloaded(): PrometheusPrograms | undefined {
  const draft = `${cache}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  try {
    const download = () => succeeds("apt-get", ["download", "prometheus"], draft);
    if (!download() && !(succeeds("apt-get", ["update"], draft) && download())) return undefined;
    const archive = readdirSync(draft).find((name) => name.endsWith(".deb"));
    if (archive === undefined || !succeeds("dpkg-deb", ["-x", archive, "unpacked"], draft)) return undefined;
    rmSync(cache, { recursive: true, force: true });
    renameSync(join(draft, "unpacked"), cache);
    return inDirectory(join(cache, "usr/bin"));
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function succeeds(command: string, args: readonly string[], cwd: string): boolean {
  return spawnSync(command, args, { cwd, stdio: "ignore" }).status === 0;
}
