import type { Dashboard } from "./dashboard.js";
import { processRow } from "./process-row.js";

const datanode: Dashboard = {
  id: "datanode",
  title: "DataNodes",
  variables: [{ name: "node", series: 'up{process="datanode"}' }],
  rows: [processRow('process="datanode", node=~"$node"', "node {{node}}")],
};

const supernode: Dashboard = {
  id: "supernode",
  title: "SuperNode",
  variables: [],
  rows: [processRow('process="supernode"', "{{instance}}")],
};

export const dashboards: readonly Dashboard[] = [datanode, supernode];
