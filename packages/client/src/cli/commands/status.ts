import { command } from "../command.js";
import { operationOptions } from "../context.js";
import { timeText } from "../wording.js";
import { bucketTable } from "./bucket.js";
import { changeText } from "../layout/layout-text.js";
import { nodeTable } from "../node-table.js";

export const status = command({
  names: ["status"],
  operands: "",
  shape: "",
  describe: "Show whether the cluster is ready, its DataNodes and its buckets",
  options: {},
  examples: [
    ["$0 status", "The cluster at a glance"],
    ["$0 status -o json | jq .ready", "For a script"],
  ],
  async run(_input, context) {
    const cluster = await context.cluster();
    const state = await cluster.status(operationOptions(context));
    const { condition, clusterId, version, startedAt, replicas, layout, change, nodes, buckets } = state;
    const facts = `cluster ${clusterId}  N = ${replicas}  layout ${layout ?? "none yet"}`;
    const superNode = `SuperNode ${version} since ${timeText(startedAt)}`;
    const moving = change ? `\n${changeText(change)}` : "";
    await context.printer.one(
      state,
      `${condition}\n${facts}\n${superNode}${moving}\n\n${nodeTable(nodes)}\n\n${bucketTable(buckets)}`,
    );
  },
});
