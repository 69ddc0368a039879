import type { ProcessMember } from "@quorumfs/local-cluster";
import type { LinkProxy } from "../adapters/link-proxy.js";

/** One process of the cluster under test, and the network in front of it. */
export interface BedNode {
  readonly member: ProcessMember;
  readonly proxy: LinkProxy;
  /** `host:port` under which all others reach it. */
  readonly address: string;
  readonly zone: string | undefined;
  /** Whether its data is on a small volume of its own. */
  readonly hasVolume: boolean;
}
