import { isAbsolute, relative } from "node:path";
import Table from "cli-table3";
import { partyName } from "../faults/party.js";
import type { LocalConfig } from "./local-config.js";
import type { ProcessCluster } from "./process-cluster.js";

const defaultPort = 7000;
const plain = { head: [], border: [] };
const withoutLinesBetween = { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" };

/** What people need to know of a cluster that has just started: where everything is, and what to do next. */
export function overview(options: { cluster: ProcessCluster; config: LocalConfig; dataDir: string }): string {
  const { cluster, config, dataDir } = options;
  const table = new Table({ head: ["process", "listens on", "pid", "log"], style: plain, chars: withoutLinesBetween });
  for (const { party, address, pid, logFile } of cluster.members) {
    table.push([capitalised(partyName(party)), address, pid ?? "", shortened(logFile)]);
  }
  const { consoleUrl } = cluster;
  const kept = config.ephemeral ? "removed at the end" : "kept; found again by the next start";
  const somebody = cluster.dataNodes.at(-1)?.pid;
  return [
    table.toString(),
    ...(consoleUrl === undefined ? [] : [`console  ${consoleUrl}`]),
    `data  ${dataDir} (${kept})`,
    "",
    "Next, in another terminal:",
    ...(config.port === defaultPort ? [] : [`  export QUORUMFS_ENDPOINT=${cluster.endpoints.join(",")}`]),
    "  npx quorumfs put README.md files/readme.md",
    "  npx quorumfs ls files",
    "  npx quorumfs-workload --mode balanced --ops 20000 --verify",
    `  kill -9 ${somebody ?? "PID"}      # meanwhile: the others go on, it comes back by itself`,
    "Ctrl-C stops the cluster.",
    "",
    "",
  ].join("\n");
}

function capitalised(name: string): string {
  return name.replace(/^the /, "");
}

/** As people would type it: relative if it is below the directory that they are in. */
function shortened(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith("..") || isAbsolute(fromHere) ? path : fromHere;
}
