import { runBinary, systemRandom, versionOf } from "@quorumfs/runtime";
import { startWorkload } from "./adapters/run-workload.js";
import { settings, workloadConfig } from "./config.js";
import { withoutOldForm } from "./plan/old-form.js";

const version = versionOf(new URL("../package.json", import.meta.url));

process.argv.splice(2, Infinity, ...withoutOldForm(process.argv.slice(2)));

await runBinary({
  name: "quorumfs-workload",
  description:
    "Drives a cluster with reads and writes, or with questions about files and nodes, measures it, and checks what it\n" +
    "saw for linearizability.\n\n" +
    "The old form, `quorumfs-workload 0 100`, works too: 0 read-heavy, 1 write-heavy, 2 balanced, 3 state-query; then\n" +
    "the number of operations.\n\n" +
    "State queries are 40 % stat, 25 % list, 10 % file-system state of a directory, 10 % the same of one node, 5 % the\n" +
    "under-replicated files of a directory, 10 % node list. Under --verify, of 100 writes 90 are plain, 6 conditional and 4\n" +
    "deletes.",
  version,
  settings,
  examples: [
    ["$0", "10,000 operations, half of them reads, on 1,000 files of 1 KiB"],
    ["$0 --mode read-heavy --duration 30s --size 4KiB..64KiB", "half a minute of 95 % reads of larger files"],
    ["$0 --verify --ops 100000 --files 100", "check that nothing contradicts itself; kill a DataNode meanwhile"],
    ["$0 --rate 2000 --duration 1m --report out.html", "a fixed rate, and a page with plots"],
    ["$0 --distribution zipfian --processes 2 -o json", "few popular files, two processes, results for programs"],
  ],
  configOf: (values) => workloadConfig(values, Math.floor(systemRandom().fraction() * 2 ** 32)),
  start: async (config) => startWorkload(config, version),
});
