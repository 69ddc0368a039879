/** What could go wrong with a plan, or stands in its way: sentences for people. */
import type { NodeId } from "@quorumfs/core";
import type { Member } from "../cluster/member.js";
import type { Plan, PlanView } from "./planning.js";

export function warningsOf(
  view: PlanView,
  plan: Omit<Plan, "warnings">,
  holders: readonly Member[],
): readonly string[] {
  return [
    ...spares(view, holders),
    ...zones(view, holders),
    ...absent(view, plan, holders),
    ...strictBuckets(view, plan),
    ...space(view, plan),
    ...lost(plan),
  ];
}

function spares({ layout: { replicas } }: PlanView, holders: readonly Member[]): readonly string[] {
  if (holders.length > replicas) return [];
  return [
    `every file will lie on all of the ${replicas} DataNodes: one that dies cannot be replaced before another one joins`,
  ];
}

function zones({ layout: { replicas } }: PlanView, holders: readonly Member[]): readonly string[] {
  const count = new Set(holders.map(({ zone }) => zone)).size;
  if (count === 1 || count >= replicas) return [];
  return [
    `${replicas} replicas in ${count} zones: the loss of one zone can take a majority of a file's replicas with it`,
  ];
}

function absent(view: PlanView, { moves }: Omit<Plan, "warnings">, holders: readonly Member[]): readonly string[] {
  const isDown = (id: number): boolean => view.members.some((member) => member.id === id && isAway(view, member.id));
  const down = holders.filter(({ id }) => isDown(id)).map(({ id }) => id);
  const majority = Math.floor(view.layout.replicas / 2) + 1;
  const stuck = moves.filter(({ from }) => from.filter((id) => !isDown(id)).length < majority).length;
  return [
    ...down.map((id) => `DataNode ${id} is down: it keeps what it holds, and gets nothing new`),
    ...(stuck > 0 ? [`${stuck} partitions cannot move before more of their replicas are up`] : []),
  ];
}

function isAway(view: PlanView, id: NodeId): boolean {
  return view.healthOf(id) === "down";
}

function strictBuckets({ layout: { replicas }, buckets }: PlanView, plan: Omit<Plan, "warnings">): readonly string[] {
  if (plan.moves.length === 0) return [];
  return buckets.flatMap(({ name, readQuorum, writeQuorum }) => {
    const what = [...(readQuorum === replicas ? ["read"] : []), ...(writeQuorum === replicas ? ["written"] : [])].join(
      " or ",
    );
    if (what === "") return [];
    return [
      `bucket ${name} needs all ${replicas} replicas of a file: while a partition moves, none of its files can be ${what} unless ` +
        "the DataNodes that take it over are up too",
    ];
  });
}

function space(view: PlanView, { transfers }: Omit<Plan, "warnings">): readonly string[] {
  return transfers.flatMap(({ node, bytesIn }) => {
    const member = view.members.find(({ id }) => id === node);
    const load = member && view.loadOf(member.id);
    if (!load || bytesIn === 0) return [];
    if (bytesIn <= load.diskFreeBytes) return [];
    return [`DataNode ${node} is to get about ${amount(bytesIn)}, and has ${amount(load.diskFreeBytes)} free`];
  });
}

function lost({ members }: Omit<Plan, "warnings">): readonly string[] {
  return members
    .filter(({ role }) => role === "lost")
    .map(({ id }) => `DataNode ${id} will never be let in again; what only it holds is gone`);
}

function amount(bytes: number): string {
  const gib = bytes / 2 ** 30;
  return gib >= 1 ? `${gib.toFixed(1)} GiB` : `${Math.ceil(bytes / 2 ** 20)} MiB`;
}
