import { checkClocks, checkDisks } from "./check-machines.js";
import {
  checkCopies,
  checkDamage,
  checkEvents,
  checkLayout,
  checkQuorums,
  checkSpace,
  checkZones,
} from "./check-files.js";
import {
  checkFiles,
  checkLoad,
  checkNodes,
  checkPorts,
  checkReplicas,
  checkRuntime,
  checkSuperNode,
  checkVersions,
} from "./check-members.js";
import type { Facts } from "./facts.js";
import type { Finding, Judgement } from "./finding.js";

/** By name, in the order in which they are told. */
const checks: Readonly<Record<string, (facts: Facts) => readonly Judgement[]>> = {
  supernode: checkSuperNode,
  nodes: checkNodes,
  ports: checkPorts,
  replicas: checkReplicas,
  layout: checkLayout,
  copies: checkCopies,
  damage: checkDamage,
  space: checkSpace,
  zones: checkZones,
  quorums: checkQuorums,
  clocks: checkClocks,
  disks: checkDisks,
  load: checkLoad,
  files: checkFiles,
  versions: checkVersions,
  nodejs: checkRuntime,
  events: checkEvents,
};

/** What all checks have found: at least one finding of each. */
export function examine(facts: Facts): readonly Finding[] {
  return Object.entries(checks).flatMap(([check, judge]) => judge(facts).map((judgement) => ({ check, ...judgement })));
}
