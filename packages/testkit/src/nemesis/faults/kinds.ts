import type { FaultName } from "../options.js";
import { bitFlip, diskFull, loseDisk } from "./disks.js";
import type { FaultKind } from "./fault.js";
import { drain, join } from "./membership.js";
import { oneWay, partition, slow } from "./network.js";
import { kill, pause, superNode } from "./processes.js";

const all: readonly FaultKind[] = [
  ...[kill, pause, partition, oneWay, slow, diskFull],
  ...[bitFlip, loseDisk, join, drain, superNode],
];

export function kindsOf(names: readonly FaultName[]): readonly FaultKind[] {
  return all.filter(({ name }) => names.includes(name));
}
