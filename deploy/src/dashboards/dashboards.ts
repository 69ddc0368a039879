import type { Dashboard } from "./dashboard.js";
import { datanode } from "./datanode.js";
import { overview } from "./overview.js";
import { supernode } from "./supernode.js";

export const dashboards: readonly Dashboard[] = [overview, datanode, supernode];
