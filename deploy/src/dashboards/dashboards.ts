import type { Dashboard } from "./dashboard.js";
import { datanode } from "./datanode.js";
import { overview } from "./overview.js";
import { supernode } from "./supernode.js";
import { workload } from "./workload.js";

export const dashboards: readonly Dashboard[] = [overview, datanode, supernode, workload];
