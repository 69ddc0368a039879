/**
 * Who may enter, and under which number: decided here, stored by the caller.
 *
 * A node is its store: the number of a node is bound to the 16 bytes that its store was made with, since whoever votes
 * under a number must have kept every promise given under it. A store that was lost, copied or rolled back is refused, and so
 * is one whose node has left: numbers are not given again.
 */
import { type NodeId, nodeId, QuorumError, type StoreFault } from "@quorumfs/core";
import type { JoinRequest } from "@quorumfs/proto";
import { nodesMax } from "../config.js";
import type { Health } from "../membership/membership.js";
import { type FormerNode, type Member, memberOf } from "./member.js";

const storeIdBytes = 16;
const runIdBytes = 16;
const addressPattern = /^(?:\[[0-9a-fA-F:.]+\]|[^:\s/]{1,255}):(\d{1,5})$/;
const zonePattern = /^[A-Za-z0-9._-]{1,64}$/;
const versionPattern = /^[\w.+-]{0,64}$/;

/** What the decision rests on. */
export interface JoinView {
  readonly clusterId: string;
  /** Number of the newest layout that the SuperNode knows; 0: none. */
  readonly layout: number;
  readonly revision: number;
  readonly members: readonly Member[];
  readonly formers: readonly FormerNode[];
  readonly healthOf: (id: NodeId) => Health;
}

/** What a Join changes. */
export interface Admission {
  readonly member: Member;
  /** Members whose address the new one has taken over: they get one that leads nowhere, so that nobody mistakes it for them. */
  readonly displaced: readonly Member[];
}

/** @throws QuorumError `invalid_argument`, `permission_denied`, `unavailable`, `resource_exhausted` */
export function admit(view: JoinView, request: JoinRequest): Admission {
  checkRequest(request);
  checkCluster(view, request);
  checkNotFormer(view, request);
  const id = idFor(view, request);
  const known = view.members.find((member) => member.id === id);
  if (known) checkSameNode(view, known, request);
  const member = memberOf({ ...request, nodeId: id }, known?.role ?? "active");
  const neighbours = view.members.filter((other) => other.id !== id && other.address === request.address);
  const alive = neighbours.find((other) => view.healthOf(other.id) === "up");
  if (alive) {
    // Not final: who comes in the place of one that has just gone is sooner here than the news of that.
    throw refuse("unavailable", `${request.address} is the address of node ${alive.id}, which is up`);
  }
  return { member, displaced: neighbours.map((other) => ({ ...other, address: nowhere(other.id), displacedBy: id })) };
}

/** A name that resolves nowhere (RFC 2606). */
function nowhere(id: NodeId): string {
  return `node-${id}.invalid:1`;
}

function checkRequest(request: JoinRequest): void {
  const { storeId, runId, address, zone, version, incarnation, metricsAddress } = request;
  if (storeId.length !== storeIdBytes) {
    throw refuse("invalid_argument", `a store id is ${storeIdBytes} bytes long, got ${storeId.length}`);
  }
  if (runId.length !== runIdBytes) {
    throw refuse("invalid_argument", `a run id is ${runIdBytes} bytes long, got ${runId.length}`);
  }
  checkAddress(address);
  if (metricsAddress !== "") checkAddress(metricsAddress);
  if (!zonePattern.test(zone)) {
    throw refuse("invalid_argument", `a zone is 1 to 64 letters, digits, dots, hyphens, got ${quote(zone)}`);
  }
  if (!versionPattern.test(version)) throw refuse("invalid_argument", `${quote(version)} is not a version`);
  if (incarnation < 1) throw refuse("invalid_argument", "a DataNode's incarnation starts at 1");
}

function checkAddress(address: string): void {
  const port = Number(addressPattern.exec(address)?.[1]);
  if (port >= 1 && port <= 65_535) return;
  throw refuse("invalid_argument", `an address is written HOST:PORT, got ${JSON.stringify(address.slice(0, 300))}`);
}

function checkCluster(view: JoinView, request: JoinRequest): void {
  if (request.clusterId !== "" && request.clusterId !== view.clusterId) {
    throw refuse(
      "permission_denied",
      `this is cluster ${view.clusterId}, and the DataNode's store belongs to ${quote(request.clusterId)}; ` +
        "give it the address of its own SuperNode, or an empty data directory",
      "foreign",
    );
  }
  if (request.layout > view.layout || request.revision > view.revision) {
    const known = request.layout > view.layout ? `layout ${request.layout}` : `revision ${request.revision}`;
    // Not final: the DataNode is right, serves on, and tries again until the SuperNode knows what it knows.
    throw refuse(
      "unavailable",
      `the DataNode knows ${known}, which is newer than all that this SuperNode knows: the SuperNode's store is older than ` +
        "the cluster, as from an old backup; restore its newest store, or make it from what the DataNodes know: " +
        "quorumfs-supernode --reseed-from HOST:PORT,HOST:PORT",
    );
  }
}

function checkNotFormer(view: JoinView, request: JoinRequest): void {
  const wanted = request.nodeId;
  const sameStore = view.formers.find((former) => sameBytes(former.storeId, request.storeId));
  const sameNumber = view.formers.find((former) => former.id === wanted);
  const left = sameStore ?? (sameNumber?.storeId.length === 0 ? sameNumber : undefined);
  if (left) {
    throw refuse("permission_denied", `node ${left.id} has left the cluster; it may be stopped`, "retired");
  }
  if (sameNumber) {
    const message = `node ${wanted} has left the cluster, and no number is given again: leave --node-id out`;
    throw refuse("permission_denied", message, "number_taken");
  }
}

function idFor(view: JoinView, request: JoinRequest): NodeId {
  const sameStore = view.members.find((member) => sameBytes(member.storeId, request.storeId));
  if (request.nodeId !== 0) {
    const wanted = nodeId(request.nodeId);
    if (sameStore && sameStore.id !== wanted) {
      throw refuse("permission_denied", `this store is that of node ${sameStore.id}, and cannot be node ${wanted} too`);
    }
    if (!sameStore) checkRoom(view);
    return wanted;
  }
  // The answer to an earlier Join may have been lost.
  if (sameStore) return sameStore.id;
  checkRoom(view);
  const taken = new Set([...view.members, ...view.formers].map((node) => node.id));
  let candidate = 1;
  while (taken.has(nodeId(candidate))) candidate += 1;
  return nodeId(candidate);
}

function checkRoom(view: JoinView): void {
  if (view.members.length < nodesMax) return;
  throw refuse("resource_exhausted", `a cluster has at most ${nodesMax} DataNodes`);
}

function checkSameNode(view: JoinView, known: Member, request: JoinRequest): void {
  const { id } = known;
  // Unknown where the SuperNode's store was made from what DataNodes knew: the first that comes is taken for it.
  const isStoreKnown = known.storeId.length > 0;
  if (isStoreKnown && !sameBytes(known.storeId, request.storeId)) {
    throw refuse(
      "permission_denied",
      `node ${id} has another store; a node that lost its store joins under a new number: leave --node-id out`,
      "number_taken",
    );
  }
  if (known.role === "lost") {
    throw refuse("permission_denied", `node ${id} was declared lost, and is not let in again; stop it`, "retired");
  }
  checkNotRolledBack(known, request);
  // Who has moved in order was down for a moment, or is soon.
  if (request.address !== known.address && view.healthOf(id) === "up") {
    throw refuse(
      "unavailable",
      `node ${id} runs at ${known.address}; a copy of its store must not be started`,
      "in_use",
    );
  }
}

/** A store shows its age in three ways: by its starts, by the run of the last start, and by its commits. */
function checkNotRolledBack(known: Member, { incarnation, runId, commits }: JoinRequest): void {
  const { id } = known;
  const isOtherRun = incarnation === known.incarnation && known.runId.length > 0 && !sameBytes(runId, known.runId);
  let sign: string | undefined;
  if (incarnation < known.incarnation) {
    sign = `node ${id} has started ${known.incarnation} times, and this store knows of ${incarnation} only`;
  } else if (isOtherRun) {
    sign = `node ${id} has run as start ${incarnation} of its store before`;
  } else if (commits < known.commits) {
    sign = `node ${id} has made ${known.commits} commits, and this store knows of ${commits} only`;
  }
  if (sign === undefined) return;
  throw refuse(
    "permission_denied",
    `${sign}: it was rolled back and may have forgotten votes; join as a new node, with an empty data directory`,
    "rolled_back",
  );
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}

function refuse(
  code: "invalid_argument" | "permission_denied" | "unavailable" | "resource_exhausted",
  message: string,
  storeFault?: StoreFault,
): QuorumError {
  return new QuorumError({ code, message, details: storeFault === undefined ? {} : { storeFault } });
}
