import { command, group } from "../command.js";
import { operationOptions } from "../context.js";
import { applyChange, applyFlags, followToEnd, showPlan } from "../layout/apply-change.js";
import { changeFlags, changesOf } from "../layout/change-flags.js";
import { changeText, historyText, layoutText, movesText } from "../layout/layout-text.js";

const show = command({
  names: ["show"],
  operands: "",
  shape: "",
  describe: "Show which DataNode holds how much, and the change that is under way",
  details:
    "Files are spread over 1,024 partitions, each held by N DataNodes. PREFERRED counts those that a node coordinates while it\n" +
    "is up. SHARE is what its capacity entitles it to, OFF BY how far it is from that.",
  options: {
    follow: {
      alias: "f",
      type: "boolean",
      default: false,
      describe: "Watch the change to its end; with json, a second document tells how it ended",
    },
  },
  examples: [
    ["$0 layout show", "Who holds how much"],
    ["$0 layout show --follow", "Watch a change that somebody has applied"],
  ],
  async run({ values: { follow } }, context) {
    const cluster = await context.cluster();
    const layout = await cluster.layout.show(operationOptions(context));
    const nodes = await cluster.nodes(operationOptions(context));
    const shares = layout.shares.map((share) => {
      const { zone, state, role, load } = nodes.find(({ id }) => id === share.node) ?? {};
      return { ...share, zone, state, role, records: load?.records, chunkBytes: load?.chunkBytes };
    });
    await context.printer.one({ ...layout, shares }, layoutText(layout, nodes));
    if (follow && layout.change) await followToEnd(context, layout.change);
  },
});

const plan = command({
  names: ["plan"],
  operands: "",
  shape: "[FLAGS]",
  describe: "Show what a change of the layout would move; changes nothing",
  details: "Without a flag: brings in the DataNodes that have joined, and evens out.",
  options: {
    ...changeFlags,
    moves: { type: "boolean", default: false, describe: "Also list the partitions one by one" },
  },
  examples: [
    ["$0 layout plan", "After a DataNode was started: what it would get"],
    ["$0 layout plan --drain 3", "What it would cost to empty node 3"],
    ["$0 layout plan --remove 2 --remove 3", "Two at once are cheaper than one after the other"],
    ["$0 layout plan --replace 2:4 -o json", "For a script"],
  ],
  async run({ values }, context) {
    const planned = await showPlan(context, changesOf(values));
    if (values.moves && context.printer.format === "table" && planned.moves.length > 0) {
      await context.printer.one({}, `\n${movesText(planned)}`);
    }
  },
});

const apply = command({
  names: ["apply"],
  operands: "",
  shape: "[FLAGS]",
  describe: "Change the layout while clients read and write, and follow it to its end",
  details:
    "Shows the plan, asks, and moves partition after partition. It goes on by itself: Ctrl-C ends the watching only, and the\n" +
    "same command without flags takes it up again. Exit code 9: it was stopped or another change took its place.",
  options: { ...changeFlags, ...applyFlags },
  examples: [
    ["$0 layout apply", "Give a DataNode that has joined its share; or follow the change that is under way"],
    ["$0 layout apply --drain 3", "Empty node 3"],
    ["$0 layout apply --yes -o json", "In a script"],
  ],
  async run({ values }, context) {
    const changes = changesOf(values);
    const { yes, detach } = values;
    const cluster = await context.cluster();
    const { change } = await cluster.layout.show(operationOptions(context));
    if (changes.length > 0 || change?.state !== "moving") return applyChange(context, { changes, yes, detach });
    context.printer.note("quorumfs: this change is under way already");
    if (detach || context.printer.format === "table") await context.printer.one({ change }, changeText(change));
    if (!detach) await followToEnd(context, change);
  },
});

const stop = command({
  names: ["stop"],
  operands: "",
  shape: "",
  describe: "End the change that is under way after the partitions that are moving just now",
  details: "Nothing is undone: what has moved stays moved, and quorumfs layout apply goes on with the rest.",
  options: {},
  examples: [["$0 layout stop", "Leave the disks alone for now"]],
  async run(_input, context) {
    const cluster = await context.cluster();
    const change = await cluster.layout.stop(operationOptions(context));
    await context.printer.one({ change }, changeText(change));
  },
});

const history = command({
  names: ["history"],
  operands: "",
  shape: "",
  describe: "List the changes of the layout, newest first",
  options: {},
  examples: [["$0 layout history", "What was changed when, by whom, and how long it took"]],
  async run(_input, context) {
    const cluster = await context.cluster();
    const changes = await cluster.layout.history(operationOptions(context));
    if (context.printer.format === "table") return context.printer.one({}, historyText(changes));
    const rows = context.printer.rows<(typeof changes)[number]>({ line: () => "" });
    for (const change of changes) await rows.add(change);
    await rows.end();
  },
});

export const layout = group({
  name: "layout",
  describe: "Show and change which DataNodes hold which files",
  commands: [show, plan, apply, stop, history],
});
