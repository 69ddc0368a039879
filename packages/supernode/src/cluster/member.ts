import { type NodeId, nodeId } from "@quorumfs/core";
import { type JoinRequest, NodeRole } from "@quorumfs/proto";
import { hex, StoredRow } from "./stored-row.js";

/**
 * What is to become of a DataNode: `active` has, or gets with the next layout, its share; `draining` gives it away;
 * `leaving` gives it away, and leaves the cluster then; `lost` never votes again, whatever comes back under its number.
 */
export const roles = ["active", "draining", "leaving", "lost"] as const;
export type Role = (typeof roles)[number];

/** A DataNode as it was when it joined last. */
export interface Member {
  readonly id: NodeId;
  /** 16 bytes that name its store: another disk is another node. Empty: not known, and taken from its next Join. */
  readonly storeId: Uint8Array;
  readonly address: string;
  readonly zone: string;
  readonly capacityBytes: number;
  readonly incarnation: number;
  readonly version: string;
  /** 16 random bytes of the run that joined; empty: not known. */
  readonly runId: Uint8Array;
  /** How many commits its store is known to have. */
  readonly commits: number;
  readonly role: Role;
  /** The DataNode that came to its address with another store, while it was away; 0: none. */
  readonly displacedBy: number;
  /** host:port of its metrics over HTTP; empty: it serves none. */
  readonly metricsAddress: string;
}

/** A DataNode that has left. Its number is not given again, and its store not let in. */
export interface FormerNode {
  readonly id: NodeId;
  /** Empty: not known. */
  readonly storeId: Uint8Array;
  readonly leftAtMs: number;
}

export function encodeMember({ storeId, runId, ...rest }: Member): Uint8Array {
  return Buffer.from(JSON.stringify({ ...rest, storeId: hex(storeId), runId: hex(runId) }));
}

/** @throws QuorumError `corrupt` */
export function decodeMember(bytes: Uint8Array): Member {
  const row = new StoredRow("a DataNode", bytes);
  return {
    id: nodeId(row.count("id")),
    storeId: row.bytes("storeId"),
    address: row.text("address"),
    zone: row.text("zone"),
    capacityBytes: row.count("capacityBytes"),
    incarnation: row.count("incarnation"),
    version: row.text("version"),
    runId: row.bytes("runId"),
    commits: row.count("commits"),
    role: row.oneOf("role", roles),
    displacedBy: row.count("displacedBy"),
    metricsAddress: row.laterText("metricsAddress"),
  };
}

export function encodeFormer({ id, storeId, leftAtMs }: FormerNode): Uint8Array {
  return Buffer.from(JSON.stringify({ id, storeId: hex(storeId), leftAtMs }));
}

/** @throws QuorumError `corrupt` */
export function decodeFormer(bytes: Uint8Array): FormerNode {
  const row = new StoredRow("a DataNode that has left", bytes);
  return { id: nodeId(row.count("id")), storeId: row.bytes("storeId"), leftAtMs: row.count("leftAtMs") };
}

export function memberOf(join: JoinRequest, role: Role): Member {
  const { storeId, address, zone, capacityBytes, incarnation, version, runId, commits, metricsAddress } = join;
  const id = nodeId(join.nodeId);
  return {
    id,
    storeId,
    address,
    zone,
    capacityBytes,
    incarnation,
    version,
    runId,
    commits,
    role,
    displacedBy: 0,
    metricsAddress,
  };
}

export const roleToWire: Readonly<Record<Role, NodeRole>> = {
  active: NodeRole.NODE_ROLE_ACTIVE,
  draining: NodeRole.NODE_ROLE_DRAINING,
  leaving: NodeRole.NODE_ROLE_LEAVING,
  lost: NodeRole.NODE_ROLE_LOST,
};

/** Undefined for what is no role. */
export function roleFromWire(wire: NodeRole): Role | undefined {
  return roles.find((role) => roleToWire[role] === wire);
}
