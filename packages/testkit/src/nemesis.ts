/** `pnpm nemesis`: a cluster of real processes under load and faults, and whether it kept its promises. */
import { QuorumError } from "@quorumfs/core";
import { type Running, runBinary, systemRandom, versionOf } from "@quorumfs/runtime";
import { thisMachine } from "./nemesis/adapters/machine.js";
import { requireReportDir, writeReport } from "./nemesis/adapters/write-report.js";
import { type NemesisConfig, nemesisConfig, settings } from "./nemesis/options.js";
import { reportAsTable } from "./nemesis/report/table.js";
import { runNemesis } from "./nemesis/run.js";

const version = versionOf(new URL("../package.json", import.meta.url));

await runBinary({
  name: "nemesis",
  description:
    "Starts a cluster of real processes on this machine, lets several clients read and write small and big files, injects\n" +
    "faults, heals, and then looks at every promise: nothing acknowledged is lost, stale or damaged, no two writers win, nothing\n" +
    "that was deleted comes back, all histories are linearizable, all replicas are equal and in sync in the end.\n\n" +
    "Faults: kill (kill -9 of DataNodes and clients), pause (SIGSTOP), partition, one-way (one direction of a link), slow (delay,\n" +
    "bandwidth), disk-full (a small volume, where mounting is allowed), bit-flip (in files at rest), lose-disk (emptied, or rolled\n" +
    "back to an older copy), join and drain (DataNodes come and go), supernode (kill -9 and SIGSTOP of it).\n\n" +
    "Exit code 1 if a promise was broken; logs and data are left then, and the seed that is printed chooses the same faults\n" +
    "again (when exactly they hit is the machine's). Ctrl-C ends early, with a report of what there is.",
  version,
  settings,
  examples: [
    ["$0 --minutes 10 --report out", "everything for ten minutes; out/report.html shows it over time"],
    ["$0 --faults kill,supernode --minutes 2", "only processes that die"],
    [
      "$0 --faults partition,one-way,slow --nodes 3 --seed 7",
      "only the network, on three DataNodes, again with seed 7",
    ],
    ["$0 --faults bit-flip,lose-disk,disk-full --ops-rate 30", "disks, with little load"],
    ["$0 --minutes 30 --markdown docs/RELIABILITY.md", "the table of docs/RELIABILITY.md"],
  ],
  configOf: (values) => nemesisConfig(values, Math.floor(systemRandom().fraction() * 2 ** 32)),
  start: async (config) => start(config),
});

function start(config: NemesisConfig): Running {
  const stop = new AbortController();
  const ended = run(config, stop.signal);
  // Whoever closes it hears of a failure there; before that nobody may be listening.
  ended.catch(() => undefined);
  return {
    ended,
    close: async () => {
      stop.abort();
      await ended.catch(() => undefined);
    },
  };
}

async function run(config: NemesisConfig, signal: AbortSignal): Promise<void> {
  await requireReportDir(config);
  const machine = thisMachine();
  try {
    const say = (line: string): void => void process.stderr.write(`${line}\n`);
    const result = await runNemesis({ config, version, command: commandOf(config), machine, signal, say });
    await writeReport(result, config);
    const { report } = result;
    process.stdout.write(config.json ? `${JSON.stringify(report, undefined, 2)}\n` : `\n${reportAsTable(report)}`);
    if (report.violations.length > 0) {
      throw new QuorumError({
        code: "internal",
        message: `${report.violations.length} violations; look at ${report.evidence ?? "the report"}`,
      });
    }
  } finally {
    await machine.close();
  }
}

/** What repeats a run. */
function commandOf({
  minutes,
  faults,
  seed,
  nodes,
  replicas,
  zones,
  clients,
  operationsPerSecond,
}: NemesisConfig): string {
  return [
    ...["pnpm nemesis", `--minutes ${minutes}`, `--faults ${faults.join(",")}`, `--seed ${seed}`],
    ...[`--nodes ${nodes}`, `--replicas ${replicas}`, `--zones ${zones.join(",")}`, `--clients ${clients}`],
    `--ops-rate ${operationsPerSecond}`,
  ].join(" ");
}
