import { type NodeId, nodeId } from "@quorumfs/core";
import { JoinRequest } from "@quorumfs/proto";

/** A DataNode as it was when it joined last. */
export interface Member {
  readonly id: NodeId;
  /** 16 bytes that name its store: another disk is another node. */
  readonly storeId: Uint8Array;
  readonly address: string;
  readonly zone: string;
  readonly capacityBytes: number;
  readonly incarnation: number;
  readonly version: string;
  /** 16 random bytes of the run that joined. */
  readonly runId: Uint8Array;
  /** How many commits its store had then. */
  readonly commits: number;
}

/** A member is stored as the Join that made it. */
export function encodeMember(member: Member): Uint8Array {
  const { id, ...rest } = member;
  return JoinRequest.encode({ ...rest, nodeId: id, clusterId: "", layout: 0, revision: 0 }).finish();
}

export function decodeMember(bytes: Uint8Array): Member {
  return memberOf(JoinRequest.decode(bytes));
}

export function memberOf(join: JoinRequest): Member {
  const { storeId, address, zone, capacityBytes, incarnation, version, runId, commits } = join;
  return { id: nodeId(join.nodeId), storeId, address, zone, capacityBytes, incarnation, version, runId, commits };
}
