import { type Disk, type NodeId, QuorumError, type Random, type StoreFault, nodeId } from "@quorumfs/core";
import { SealedTable } from "@quorumfs/runtime";

/** Who this DataNode is, as its own disk says: another disk is another node. */
export interface Identity {
  /** 16 random bytes, made with the store. */
  readonly storeId: Uint8Array;
  /** How often a process has been started on this store, this time included. Part of every ballot. */
  readonly incarnation: number;
  /** 16 random bytes of this run. A store that was rolled back may repeat an incarnation; it cannot repeat this. */
  readonly runId: Uint8Array;
  /** What the SuperNode gave at the first Join; undefined before it. */
  readonly member: Member | undefined;
  /**
   * Why the cluster has refused this store for good; undefined: it has not. Such a store never votes again: it would take a few
   * starts only until it looks as new as the cluster remembers it.
   */
  readonly fault: FinalFault | undefined;
}

/** What makes a store useless for ever. */
export type FinalFault = Extract<StoreFault, "rolled_back" | "retired">;

export function isFinalFault(fault: StoreFault | undefined): fault is FinalFault {
  return fault === "rolled_back" || fault === "retired";
}

export interface Member {
  readonly clusterId: string;
  readonly nodeId: NodeId;
}

const storeIdBytes = 16;
const runIdBytes = 16;
const incarnationMax = 0xffff_ffff;

const text = new TextEncoder();
const keys = {
  storeId: text.encode("store-id"),
  incarnation: text.encode("incarnation"),
  member: text.encode("member"),
  fault: text.encode("fault"),
};

/**
 * Opens the identity for one run: the incarnation is raised, and durable, before anybody sees it. Two runs that shared
 * one would share ballots, and two values could be accepted under one number.
 *
 * A store that was refused for good stays as it is: each run would make it look newer, until it is believed.
 *
 * @throws QuorumError `corrupt` if the store holds something else
 */
export async function openIdentity(options: {
  readonly disk: Disk;
  readonly random: Random;
  /** Forgets that the store was refused: the cluster is to be asked again. Default: false. */
  readonly forgive?: boolean;
}): Promise<Identity> {
  const { disk, random, forgive = false } = options;
  const table = new SealedTable(disk.table("node"));
  const storeId = table.get(keys.storeId) ?? random.bytes(storeIdBytes);
  if (storeId.length !== storeIdBytes) throw corrupt("store id");
  const member = readMember(table);
  const fault = forgive ? undefined : readFault(table);
  const runId = random.bytes(runIdBytes);
  if (fault !== undefined) return { storeId, incarnation: readIncarnation(table), runId, member, fault };
  const incarnation = readIncarnation(table) + 1;
  await disk.commit([
    table.write(keys.storeId, storeId),
    table.write(keys.incarnation, text.encode(String(incarnation))),
    ...(forgive ? [table.write(keys.fault, undefined)] : []),
  ]);
  return { storeId, incarnation, runId, member, fault };
}

/** Remembers that the cluster has refused this store for good; durable when it resolves. */
export async function rememberFault(disk: Disk, fault: FinalFault): Promise<void> {
  const table = new SealedTable(disk.table("node"));
  await disk.commit([table.write(keys.fault, text.encode(fault))]);
}

/** Remembers what the SuperNode gave; durable when it resolves. */
export async function rememberMember(disk: Disk, member: Member): Promise<void> {
  const table = new SealedTable(disk.table("node"));
  await disk.commit([table.write(keys.member, text.encode(`${member.nodeId} ${member.clusterId}`))]);
}

function readIncarnation(table: SealedTable): number {
  const stored = table.get(keys.incarnation);
  if (!stored) return 0;
  const incarnation = Number(new TextDecoder().decode(stored));
  if (!Number.isInteger(incarnation) || incarnation < 1 || incarnation >= incarnationMax) throw corrupt("incarnation");
  return incarnation;
}

function readMember(table: SealedTable): Member | undefined {
  const stored = table.get(keys.member);
  if (!stored) return undefined;
  const [, id, clusterId] = /^([1-9]\d*) (\S+)$/.exec(new TextDecoder().decode(stored)) ?? [];
  if (id === undefined || clusterId === undefined) throw corrupt("membership");
  return { clusterId, nodeId: nodeId(Number(id)) };
}

function readFault(table: SealedTable): FinalFault | undefined {
  const stored = table.get(keys.fault);
  if (!stored) return undefined;
  const fault = new TextDecoder().decode(stored);
  if (fault !== "rolled_back" && fault !== "retired") throw corrupt("note of its refusal");
  return fault;
}

function corrupt(what: string): QuorumError {
  return new QuorumError({
    code: "corrupt",
    message: `the ${what} in this DataNode's store is damaged; start it with an empty data directory as a new node`,
  });
}
