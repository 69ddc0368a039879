import { QuorumError } from "@quorumfs/core";
import type { NodeInfo } from "../../cluster-info.js";
import type { NodeChange } from "../../layout-info.js";
import { command, group } from "../command.js";
import { type Context, operationOptions } from "../context.js";
import { applyChange, applyFlags, planFlag, showPlan } from "../layout/apply-change.js";
import { nodeId } from "../layout/change-flags.js";
import { nodeTable } from "../node-table.js";

const list = command({
  names: ["list", "ls"],
  operands: "",
  shape: "",
  describe: "List the DataNodes with their state, load, space and damage, and how far each is behind",
  options: {},
  examples: [
    ["$0 node list", "All DataNodes"],
    ["$0 node list -o json | jq '.[] | {id, sync: .load.sync}'", "For a script: who is in sync"],
  ],
  async run(_input, context) {
    const cluster = await context.cluster();
    const nodes = await cluster.nodes(operationOptions(context));
    if (context.printer.format === "table") return context.printer.one({}, nodeTable(nodes));
    const rows = context.printer.rows<NodeInfo>({ line: () => "" });
    for (const node of nodes) await rows.add(node);
    await rows.end();
  },
});

const changeOptions = { ...planFlag, ...applyFlags };

const lostOption = {
  lost: {
    type: "boolean",
    default: false,
    describe: "I assert that neither the node's process nor its disk ever comes back",
  },
} as const;

const howItGoes =
  "Shows what would move, asks, and follows it. Ctrl-C ends the watching only; quorumfs layout show --follow takes it up\n" +
  "again, quorumfs layout stop ends the change.";

const whatLostMeans =
  "--lost is for a node that is gone for good. What it may have voted for is not waited for then, so it must not be said of\n" +
  "a node that could run again: a write that only lost nodes had is forgotten. If it does come back, it is refused, and\n" +
  "joins as a new node with nothing on it.";

const drain = command({
  names: ["drain"],
  operands: "<id..>",
  shape: "ID...",
  describe: "Move all files away from DataNodes, which stay members",
  details: howItGoes,
  options: changeOptions,
  examples: [
    ["$0 node drain 3 --plan", "What would move, and how long it would take"],
    ["$0 node drain 3", "Before maintenance of a machine that takes days"],
    ["$0 node activate 3", "Give it its share again"],
  ],
  run: ({ operands, values }, context) =>
    change(context, { ...values, changes: operands.map((id) => ({ node: nodeId(id), role: "draining" })) }),
});

const activate = command({
  names: ["activate"],
  operands: "<id..>",
  shape: "ID...",
  describe: "Give drained DataNodes their share of the files again",
  details: howItGoes,
  options: changeOptions,
  examples: [["$0 node activate 3", "Node 3 is back from maintenance"]],
  run: ({ operands, values }, context) =>
    change(context, { ...values, changes: operands.map((id) => ({ node: nodeId(id), role: "active" })) }),
});

const remove = command({
  names: ["remove", "rm"],
  operands: "<id..>",
  shape: "ID...",
  describe: "Move all files away from DataNodes, which leave the cluster then",
  details: `${howItGoes}\n\n${whatLostMeans}`,
  options: { ...changeOptions, ...lostOption },
  examples: [
    ["$0 node remove 3", "Node 3 gives its files away, and leaves"],
    ["$0 node remove 3 --lost", "The disk of node 3 has died: the others make new copies"],
  ],
  run: ({ operands, values }, context) =>
    change(context, {
      ...values,
      changes: operands.map((id) => ({ node: nodeId(id), role: values.lost ? "lost" : "leaving" })),
    }),
});

const replace = command({
  names: ["replace"],
  operands: "<old> <new>",
  shape: "OLD NEW",
  describe: "Let one DataNode take over all that another one holds; that one leaves the cluster then",
  details:
    "Start NEW first, with an empty data directory: it joins by itself. Nothing else moves, so this is the least there is to copy\n" +
    `for a dead machine or disk.\n\n${howItGoes}\n\n${whatLostMeans}`,
  options: { ...changeOptions, ...lostOption },
  examples: [
    ["$0 node replace 2 4", "Node 4 takes the place of node 2, which may be up or down"],
    ["$0 node replace 2 4 --lost", "The same, and node 2 never comes back"],
  ],
  run: ({ operands: [old = "", replacement = ""], values }, context) =>
    change(context, {
      ...values,
      changes: [{ node: nodeId(old), role: values.lost ? "lost" : "leaving", replacedBy: nodeId(replacement) }],
    }),
});

async function change(
  context: Context,
  request: {
    readonly changes: readonly NodeChange[];
    readonly plan: boolean;
    readonly yes: boolean;
    readonly detach: boolean;
  },
): Promise<void> {
  const { changes, plan, yes, detach } = request;
  const cluster = await context.cluster();
  const nodes = await cluster.nodes(operationOptions(context));
  checkNodes(changes, nodes);
  for (const { node, role } of changes) {
    if (role !== "leaving" || nodes.find(({ id }) => id === node)?.state !== "down") continue;
    context.printer.note(
      `quorumfs: node ${node} is down, and stays a member until it is back and has handed over what only it may have; ` +
        "if it never comes back, add --lost",
    );
  }
  if (plan) return void (await showPlan(context, changes));
  const lost = changes.filter(({ role }) => role === "lost").map(({ node }) => node);
  const caution =
    lost.length === 0
      ? {}
      : {
          caution:
            `this asserts that node ${lost.join(", ")} never runs again: writes that only lost nodes had are forgotten, and ` +
            "what comes back under that number is refused",
        };
  await applyChange(context, { changes, ...caution, yes, detach });
}

/** What the SuperNode would refuse, said with the next step. @throws QuorumError `not_found`, `precondition_failed` */
function checkNodes(changes: readonly NodeChange[], nodes: readonly NodeInfo[]): void {
  const find = (id: number): NodeInfo => {
    const found = nodes.find((node) => node.id === id);
    if (found) return found;
    throw new QuorumError({
      code: "not_found",
      message: `the cluster has no DataNode ${id}; it has ${nodes.map((node) => node.id).join(", ")}`,
    });
  };
  for (const { node, role, replacedBy } of changes) {
    const { state } = find(node);
    if (replacedBy !== undefined) find(replacedBy);
    if (role !== "lost" || state === "down") continue;
    throw new QuorumError({
      code: "precondition_failed",
      message: `node ${node} is ${state}, so it is not lost; leave --lost out, and it gives its files away itself`,
    });
  }
}

export const node = group({
  name: "node",
  describe: "Show the DataNodes, and move files away from them",
  commands: [list, drain, activate, remove, replace],
});
