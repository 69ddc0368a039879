import type { Plan, RoleChange } from "./planning.js";

const verbs = { active: "takes its share", draining: "is drained", leaving: "leaves", lost: "is lost" } as const;

/** Why a layout is changed, in one sentence: `DataNodes 4, 5 take their shares, DataNode 2 leaves`. */
export function reasonOf(plan: Plan, changes: readonly RoleChange[]): string {
  const asked = changes.map(({ node, role, replacedBy }) =>
    replacedBy === undefined
      ? `DataNode ${node} ${verbs[role]}`
      : `DataNode ${replacedBy} replaces DataNode ${node}, which ${verbs[role]}`,
  );
  const named = new Set(changes.flatMap(({ node, replacedBy }) => [node, replacedBy]));
  const fresh = plan.transfers
    .filter(({ partitionsBefore, partitionsAfter }) => partitionsBefore === 0 && partitionsAfter > 0)
    .map(({ node }) => node)
    .filter((node) => ![...named].some((one) => one === node));
  const share = fresh.length === 1 ? "takes its share" : "take their shares";
  const reasons = [...(fresh.length === 0 ? [] : [`${dataNodes(fresh)} ${share}`]), ...asked];
  return reasons.length === 0 ? "the DataNodes' shares are levelled" : reasons.join(", ");
}

/** `DataNode 2`, `DataNodes 2, 3`. */
export function dataNodes(ids: readonly number[]): string {
  return `DataNode${ids.length === 1 ? "" : "s"} ${ids.join(", ")}`;
}
