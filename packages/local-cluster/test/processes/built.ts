import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export const clone = fileURLToPath(new URL("../../../../", import.meta.url));

/** Builds what the processes run, unless that is done already: they are the real thing, from dist. */
export function buildOnce(): void {
  const { status, stderr } = spawnSync(process.execPath, [`${clone}packages/local-cluster/setup.mjs`], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`the build failed:\n${stderr}`);
}

export const buildTimeoutMs = 180_000;

export function binary(name: "local" | "workload" | "datanode" | "supernode" | "client"): string {
  switch (name) {
    case "local":
      return `${clone}packages/local-cluster/bin/quorumfs-local.js`;
    case "workload":
      return `${clone}packages/workload-generator/bin/quorumfs-workload.js`;
    case "client":
      return `${clone}packages/client/bin/quorumfs.js`;
    case "datanode":
    case "supernode":
      return `${clone}packages/${name}/bin/quorumfs-${name}.js`;
  }
}
