import { QuorumError } from "@quorumfs/core";
import { runtimeVersionHere } from "../adapters/this-process.js";
import { command } from "../command.js";
import { type Context, operationOptions } from "../context.js";
import { countText } from "../doctor/count-text.js";
import { examine } from "../doctor/checks.js";
import { gatherFacts } from "../doctor/facts.js";
import { type Finding, type FindingLevel } from "../doctor/finding.js";
import { type Paint, paintWith, type Style } from "../paint.js";
import { Reported } from "../transfers.js";
import { printable } from "../wording.js";

// What does not answer by then is a finding in itself.
const patienceMs = 5000;
const checkChars = 9;
const levelChars = 7;

export const doctor = command({
  names: ["doctor"],
  operands: "",
  shape: "[FLAGS]",
  describe: "Check a cluster for what is wrong with it or might be, and say what to do",
  details:
    "Looks at the SuperNode, the DataNodes and the ways to them from here, copies that are behind or damaged, the layout, space,\n" +
    "zones, quorums, clocks, the time that disks need for an fsync, load, file descriptors, versions, and the last errors.\n" +
    "Changes nothing, but each DataNode writes 20 files of 4 KiB and removes them (--no-disk leaves that out).\n\n" +
    "Exit codes: 0 all is well or there are warnings only, 1 errors.",
  options: {
    disk: { type: "boolean", default: true, describe: "Let DataNodes measure their disks" },
    quiet: { alias: "q", type: "boolean", default: false, describe: "Show warnings and errors only" },
  },
  examples: [
    ["$0 doctor", "All checks"],
    ["$0 doctor --quiet || mail -s 'quorumfs' ops", "For cron"],
    ["$0 doctor -o json | jq '.findings[] | select(.level != \"ok\")'", "For a script"],
  ],
  async run({ values: { disk, quiet } }, context) {
    const findings = await diagnose(context, disk);
    const paint = paintWith(context.terminal.hasColours);
    const rows = context.printer.rows<Finding>({ line: (finding) => findingText(finding, paint), under: "findings" });
    for (const finding of findings) if (!quiet || finding.level !== "ok") await rows.add(finding);
    const summary = summaryOf(findings);
    await rows.end({ value: { summary }, text: summaryText(summary) });
    if (summary.errors > 0) {
      throw new Reported(new QuorumError({ code: "internal", message: "the cluster has errors" }), 1);
    }
  },
});

/** Without a SuperNode there is nothing else to be found. */
async function diagnose(context: Context, withDisks: boolean): Promise<readonly Finding[]> {
  const { config, clock, terminal, version } = context;
  const endpoint = config.endpoints.join(" or ");
  let waiting: readonly string[] = ["SuperNode"];
  const endDisplay = terminal.progress(() => `waiting for: ${waiting.join(", ")}`);
  try {
    const { timeoutMs, signal } = operationOptions(context);
    const facts = await gatherFacts({
      cluster: await context.cluster(),
      here: { endpoint, version, runtimeVersion: runtimeVersionHere(), nowMs: clock.wallMs() },
      withDisks,
      call: { timeoutMs: Math.min(timeoutMs, patienceMs), signal },
      onWaiting: (questions) => (waiting = questions),
    });
    return examine(facts);
  } catch (thrown) {
    const { code, message } = QuorumError.from(thrown);
    if (code !== "unavailable") throw thrown;
    const advice =
      "start it (quorumfs-supernode), or name the right one by --endpoint; reads and writes that run go on without it";
    return [{ check: "supernode", level: "error", message, advice }];
  } finally {
    endDisplay();
  }
}

function findingText({ check, level, message, advice }: Finding, paint: Paint): string {
  const heading = `${paint(styles[level], level.padEnd(levelChars))}  ${check.padEnd(checkChars)}  ${printable(message)}`;
  const indent = " ".repeat(levelChars + checkChars + 4);
  return advice === undefined ? heading : `${heading}\n${indent}-> ${printable(advice)}`;
}

const styles: Readonly<Record<FindingLevel, Style>> = { ok: "green", warning: "yellow", error: "red" };

interface Summary {
  readonly ok: number;
  readonly warnings: number;
  readonly errors: number;
}

function summaryOf(findings: readonly Finding[]): Summary {
  const count = (level: FindingLevel): number => findings.filter((finding) => finding.level === level).length;
  return { ok: count("ok"), warnings: count("warning"), errors: count("error") };
}

function summaryText({ ok, warnings, errors }: Summary): string {
  if (warnings + errors === 0) return `all ${ok} checks are well`;
  return `${ok} well, ${countText(warnings, "warning")}, ${countText(errors, "error")}`;
}
