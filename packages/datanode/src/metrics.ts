/**
 * Every metric of a DataNode. Nothing is counted here: the parts of the node keep plain numbers, and a scrape reads them. So
 * what is declared here costs nothing between scrapes, and is absent while there is no node to ask: before it has started, and
 * after it has ended.
 */
import type { Disk } from "@quorumfs/core";
import { SyncState } from "@quorumfs/proto";
import {
  type HistogramSample,
  type Labels,
  latencySecondsBounds,
  latencySecondsCounts,
  type Metrics,
  type Sample,
} from "@quorumfs/telemetry";
import type { Admission, OperationKind } from "./admission.js";
import type { ChunkStore } from "./chunk/chunk-store.js";
import type { ClusterStore } from "./cluster/cluster-store.js";
import type { LoadMeter } from "./cluster/load-meter.js";
import type { LocalNode } from "./cluster/local-node.js";
import type { TombstoneCollector } from "./collection/tombstone-collector.js";
import type { Peer, Peers } from "./coordinator/peers.js";
import {
  roundBounds,
  voteAnswers,
  type VoteCounts,
  votedOperations,
  type VotedOperation,
  type VoteMeter,
} from "./coordinator/vote-meter.js";
import type { ChunkTraffic } from "./observe/chunk-traffic.js";
import { frameSizeBounds, laneKinds, type LaneMeter } from "./observe/lane-meter.js";
import type { NoticedEvents } from "./observe/noticed-events.js";
import { operationKinds, type OperationMeter, operationOutcomes } from "./observe/operation-meter.js";
import { commitSecondsBounds, groupWritesBounds, type StoreMeter } from "./observe/store-meter.js";
import type { LocalReplica } from "./replica/local-replica.js";
import { fetchOutcomes } from "./sync/record-catch-up.js";
import type { Sync } from "./sync/sync.js";
import type { Upkeep } from "./upkeep/upkeep.js";

/** What of a running node is asked at a scrape. */
export interface DataNodeSources {
  readonly self: LocalNode;
  readonly store: ClusterStore;
  readonly meter: OperationMeter;
  readonly chunkTraffic: ChunkTraffic;
  readonly votes: VoteMeter;
  readonly lanes: LaneMeter;
  readonly peers: Peers;
  readonly admission: Admission;
  readonly loadMeter: LoadMeter;
  readonly replica: LocalReplica;
  readonly chunks: ChunkStore;
  readonly disk: Disk;
  /** Undefined: nobody measures this store. */
  readonly storeMeter: StoreMeter | undefined;
  readonly upkeep: Upkeep;
  readonly sync: Sync;
  readonly tombstones: TombstoneCollector;
  readonly events: NoticedEvents;
}

/** A larger cluster's peers are many series in a hundred nodes each; beyond this they are told together. */
const peersMax = 100;

const doorKinds: readonly OperationKind[] = ["read", "write", "list"];

/** Declares them all. @param sources undefined: there is no node yet, or not any more */
export function dataNodeMetrics(metrics: Metrics, sources: () => DataNodeSources | undefined): void {
  const from = <Read>(read: (sources: DataNodeSources) => Read) => {
    return (): Read | undefined => {
      const now = sources();
      return now && read(now);
    };
  };
  const manyFrom = <Read>(read: (sources: DataNodeSources) => Iterable<Read>) => {
    return (): Iterable<Read> => {
      const now = sources();
      return now ? read(now) : [];
    };
  };
  operationMetrics(metrics, from, manyFrom);
  voteMetrics(metrics, from, manyFrom);
  laneMetrics(metrics, from, manyFrom);
  admissionMetrics(metrics, from);
  storeMetrics(metrics, from, manyFrom);
  upkeepMetrics(metrics, from);
  syncMetrics(metrics, from);
  clusterMetrics(metrics, from);
}

type From = <Read>(read: (sources: DataNodeSources) => Read) => () => Read | undefined;
type ManyFrom = <Read>(read: (sources: DataNodeSources) => Iterable<Read>) => () => Iterable<Read>;

function operationMetrics(metrics: Metrics, from: From, manyFrom: ManyFrom): void {
  metrics.gauge({
    name: "quorumfs_datanode_operations_total",
    type: "counter",
    help: "Operations of clients that have ended: answered (also with 'not found'), failed, or refused for too much load.",
    labels: ["kind", "bucket", "outcome"],
    read: from(({ meter }) => operationSamples(meter)),
  });
  metrics.histogram({
    name: "quorumfs_datanode_operation_seconds",
    help: "How long answered operations took, from their arrival to their answer.",
    labels: ["kind"],
    bounds: latencySecondsBounds,
    read: manyFrom(({ meter }) =>
      operationKinds.map((kind): HistogramSample => {
        const { latencies, seconds } = meter.kind(kind);
        return { labels: { kind }, counts: latencySecondsCounts(latencies), sum: seconds };
      }),
    ),
  });
  metrics.gauge({
    name: "quorumfs_datanode_content_bytes_total",
    type: "counter",
    help: "Content of small files that clients wrote and read through this node; that of large ones travels as chunks.",
    labels: ["bucket", "direction"],
    read: from(({ meter }) =>
      [...meter.buckets()].flatMap(({ bucket, bytesRead, bytesWritten }) => [
        { labels: { bucket, direction: "read" }, value: bytesRead },
        { labels: { bucket, direction: "written" }, value: bytesWritten },
      ]),
    ),
  });
  metrics.gauge({
    name: "quorumfs_datanode_chunks_moved_total",
    type: "counter",
    help: "Chunks of large files that were read from this node and written to it, by clients and by other DataNodes.",
    labels: ["by", "direction"],
    read: from(({ chunkTraffic: { clients, nodes } }) => [
      { labels: { by: "clients", direction: "read" }, value: clients.chunksRead },
      { labels: { by: "clients", direction: "written" }, value: clients.chunksWritten },
      { labels: { by: "nodes", direction: "read" }, value: nodes.chunksRead },
      { labels: { by: "nodes", direction: "written" }, value: nodes.chunksWritten },
    ]),
  });
  metrics.gauge({
    name: "quorumfs_datanode_chunk_bytes_moved_total",
    type: "counter",
    help: "Bytes of chunks that were read from this node and written to it, by clients and by other DataNodes.",
    labels: ["by", "direction"],
    read: from(({ chunkTraffic: { clients, nodes } }) => [
      { labels: { by: "clients", direction: "read" }, value: clients.bytesRead },
      { labels: { by: "clients", direction: "written" }, value: clients.bytesWritten },
      { labels: { by: "nodes", direction: "read" }, value: nodes.bytesRead },
      { labels: { by: "nodes", direction: "written" }, value: nodes.bytesWritten },
    ]),
  });
}

function operationSamples(meter: OperationMeter): readonly Sample[] {
  const samples: Sample[] = [];
  for (const counts of meter.buckets()) {
    for (const kind of operationKinds) {
      const told = operationOutcomes.map((outcome) => ({ outcome, value: counts.count(kind, outcome) }));
      if (told.every(({ value }) => value === 0)) continue;
      // With the outcomes that have not been met yet: a rate is seen from the first failure on.
      for (const { outcome, value } of told) {
        samples.push({ labels: { kind, bucket: counts.bucket, outcome }, value });
      }
    }
  }
  return samples;
}

function voteMetrics(metrics: Metrics, from: From, manyFrom: ManyFrom): void {
  const each = (read: (counts: VoteCounts) => number) =>
    from(({ votes }) =>
      votedOperations.map((operation) => ({ labels: { operation }, value: read(votes.of(operation)) })),
    );
  metrics.histogram({
    name: "quorumfs_datanode_vote_rounds",
    help: "Round trips to replicas that an operation took: 1 and 2 are the usual course, more means that others were in the way.",
    labels: ["operation"],
    bounds: roundBounds,
    read: manyFrom(({ votes }) =>
      votedOperations.map((operation): HistogramSample => {
        const { counts, sum } = votes.of(operation).rounds;
        return { labels: { operation }, counts, sum };
      }),
    ),
  });
  metrics.gauge({
    name: "quorumfs_datanode_votes_asked_total",
    type: "counter",
    help: "Questions that operations put to single replicas, this node's own included.",
    labels: ["operation"],
    read: each(({ asked }) => asked),
  });
  metrics.gauge({
    name: "quorumfs_datanode_votes_answered_total",
    type: "counter",
    help: "How replicas answered: given, nack (promised to another coordinator), damaged, stale_layout, refused, or lost.",
    labels: ["operation", "answer"],
    read: from(({ votes }) => votedOperations.flatMap((operation) => answerSamples(operation, votes.of(operation)))),
  });
  metrics.gauge({
    name: "quorumfs_datanode_vote_proposals_total",
    type: "counter",
    help: "Rounds that asked for votes on a value; of reads: what they met half-written and had to finish.",
    labels: ["operation"],
    read: each(({ proposed }) => proposed),
  });
  metrics.gauge({
    name: "quorumfs_datanode_vote_hedges_total",
    type: "counter",
    help: "Times that further replicas were asked because the first ones were late.",
    labels: ["operation"],
    read: each(({ hedged }) => hedged),
  });
  metrics.gauge({
    name: "quorumfs_datanode_vote_backoffs_total",
    type: "counter",
    help: "Pauses of operations because another coordinator was in the way.",
    labels: ["operation"],
    read: each(({ backedOff }) => backedOff),
  });
  metrics.gauge({
    name: "quorumfs_datanode_operations_contended_total",
    type: "counter",
    help: "Operations that were given up because other coordinators kept overtaking them.",
    labels: ["operation"],
    read: each(({ contended }) => contended),
  });
  metrics.gauge({
    name: "quorumfs_datanode_operations_restarted_total",
    type: "counter",
    help: "Times that an operation began anew because the replicas follow a newer layout.",
    labels: ["operation"],
    read: each(({ restarted }) => restarted),
  });
}

function answerSamples(operation: VotedOperation, { answers }: VoteCounts): readonly Sample[] {
  return voteAnswers.map((answer) => ({ labels: { operation, answer }, value: answers[answer] }));
}

function laneMetrics(metrics: Metrics, from: From, manyFrom: ManyFrom): void {
  const perPeer = (read: (peer: Peer) => number) => from(({ peers }) => peerSamples(peers, read));
  metrics.histogram({
    name: "quorumfs_datanode_lane_frame_messages",
    help: "Messages that left together in one frame: questions to other nodes, answers to them, or responses to clients.",
    labels: ["lane"],
    bounds: frameSizeBounds,
    read: manyFrom(({ lanes }) =>
      laneKinds.map((lane): HistogramSample => {
        const { counts, sum } = lanes.of(lane);
        return { labels: { lane }, counts, sum };
      }),
    ),
  });
  metrics.gauge({
    name: "quorumfs_datanode_peer_up",
    help: "1 while the lane to another DataNode is up, 0 while it is not.",
    labels: ["peer"],
    read: perPeer(({ votes }) => (votes.up ? 1 : 0)),
  });
  metrics.gauge({
    name: "quorumfs_datanode_peer_in_flight",
    help: "Questions to another DataNode that were sent and are not answered yet.",
    labels: ["peer"],
    read: perPeer(({ votes }) => votes.inFlight),
  });
  metrics.gauge({
    name: "quorumfs_datanode_peer_queued",
    help: "Messages that wait to be sent to another DataNode.",
    labels: ["peer"],
    read: perPeer(({ votes }) => votes.queued),
  });
  metrics.gauge({
    name: "quorumfs_datanode_peer_vote_p95_seconds",
    help: "What 19 of 20 votes of another DataNode take at most, as this node estimates it.",
    labels: ["peer"],
    read: from(({ peers }) =>
      Array.from(peers.all())
        .slice(0, peersMax)
        .map(({ id, latency }) => ({ labels: { peer: String(id) }, value: latency.p95Ms / 1000 })),
    ),
  });
}

function peerSamples(peers: Peers, read: (peer: Peer) => number): readonly Sample[] {
  const all = Array.from(peers.all());
  const sample = (labels: Labels, some: readonly Peer[]): Sample => ({
    labels,
    value: some.reduce((sum, peer) => sum + read(peer), 0),
  });
  const single = all.slice(0, peersMax).map((peer) => sample({ peer: String(peer.id) }, [peer]));
  return all.length > peersMax ? [...single, sample({ peer: "other" }, all.slice(peersMax))] : single;
}

function admissionMetrics(metrics: Metrics, from: From): void {
  const perKind = (read: (admission: Admission, kind: OperationKind) => number) =>
    from(({ admission }) => doorKinds.map((kind) => ({ labels: { kind }, value: read(admission, kind) })));
  metrics.gauge({
    name: "quorumfs_datanode_admission_in_flight",
    help: "Operations of clients under way.",
    labels: ["kind"],
    read: perKind((admission, kind) => admission.inFlightOf(kind)),
  });
  metrics.gauge({
    name: "quorumfs_datanode_admission_limit",
    help: "How many operations may be under way, as the node sets it by what they take.",
    labels: ["kind"],
    read: perKind((admission, kind) => admission.limitOf(kind)),
  });
  metrics.gauge({
    name: "quorumfs_datanode_admission_refused_total",
    type: "counter",
    help: "Operations that were turned away at once because too many were under way.",
    labels: ["kind"],
    read: perKind((admission, kind) => admission.refusedOf(kind)),
  });
  metrics.gauge({
    name: "quorumfs_datanode_admission_content_bytes",
    help: "Bytes of content that operations under way hold.",
    read: from(({ admission }) => admission.contentBytes),
  });
  metrics.gauge({
    name: "quorumfs_datanode_busy",
    help: "1 while clients need this node so much that background work holds back.",
    read: from(({ loadMeter }) => (loadMeter.isBusy ? 1 : 0)),
  });
}

function storeMetrics(metrics: Metrics, from: From, manyFrom: ManyFrom): void {
  metrics.gauge({
    name: "quorumfs_datanode_records",
    help: "Records in the store, of files and of deletes that are remembered.",
    read: from(({ replica }) => replica.recordCount),
  });
  metrics.gauge({
    name: "quorumfs_datanode_chunks",
    help: "Chunks in the store.",
    read: from(({ chunks }) => chunks.usage().chunks),
  });
  metrics.gauge({
    name: "quorumfs_datanode_chunk_bytes",
    help: "Bytes of chunks in the store: all of them, those that no version needs any more, and those of uploads under way.",
    labels: ["what"],
    read: from(({ chunks }) => {
      const { bytes, reclaimableBytes, uploadingBytes } = chunks.usage();
      return [
        { labels: { what: "all" }, value: bytes },
        { labels: { what: "reclaimable" }, value: reclaimableBytes },
        { labels: { what: "uploading" }, value: uploadingBytes },
      ];
    }),
  });
  metrics.gauge({
    name: "quorumfs_datanode_chunk_intake_bytes",
    help: "Bytes of chunks that are being received just now.",
    read: from(({ chunks }) => chunks.incomingBytes),
  });
  metrics.gauge({
    name: "quorumfs_datanode_chunk_intakes_waiting",
    help: "Chunks that wait for memory to be received into.",
    read: from(({ chunks }) => chunks.waitingIntakes),
  });
  metrics.gauge({
    name: "quorumfs_datanode_volume_free_bytes",
    help: "Bytes free on the volume that holds the store.",
    read: from(({ disk }) => disk.space().freeBytes),
  });
  metrics.gauge({
    name: "quorumfs_datanode_volume_size_bytes",
    help: "Size of the volume that holds the store.",
    read: from(({ disk }) => disk.space().totalBytes),
  });
  metrics.gauge({
    name: "quorumfs_datanode_full",
    help: "1 while there is too little space for new content, which goes to other nodes then.",
    read: from(({ chunks }) => (chunks.isFull ? 1 : 0)),
  });
  metrics.histogram({
    name: "quorumfs_datanode_commit_seconds",
    help: "How long the disk took to make a group of commits durable (write through to the disk, or fsync).",
    bounds: commitSecondsBounds,
    read: manyFrom(({ storeMeter }) => (storeMeter ? [{ labels: {}, ...histogramOf(storeMeter.seconds) }] : [])),
  });
  metrics.histogram({
    name: "quorumfs_datanode_commit_group_writes",
    help: "Writes that were made durable together.",
    bounds: groupWritesBounds,
    read: manyFrom(({ storeMeter }) => (storeMeter ? [{ labels: {}, ...histogramOf(storeMeter.writes) }] : [])),
  });
  metrics.gauge({
    name: "quorumfs_datanode_commit_bytes_total",
    type: "counter",
    help: "Bytes that went to the store's journal.",
    read: from(({ storeMeter }) => storeMeter?.bytes),
  });
}

function histogramOf({ counts, sum }: Omit<HistogramSample, "labels">): Omit<HistogramSample, "labels"> {
  return { counts, sum };
}

function upkeepMetrics(metrics: Metrics, from: From): void {
  metrics.gauge({
    name: "quorumfs_datanode_damage_found_total",
    type: "counter",
    help: "Records and chunks of this node that did not match their checksum, since its store was made.",
    labels: ["what"],
    read: from(({ upkeep: { damage } }) => [
      { labels: { what: "record" }, value: damage.recordsDamaged },
      { labels: { what: "chunk" }, value: damage.chunksDamaged },
    ]),
  });
  metrics.gauge({
    name: "quorumfs_datanode_damage_repaired_total",
    type: "counter",
    help: "Damaged records and chunks that were replaced from other replicas and read back, since the store was made.",
    labels: ["what"],
    read: from(({ upkeep: { damage } }) => [
      { labels: { what: "record" }, value: damage.recordsRepaired },
      { labels: { what: "chunk" }, value: damage.chunksRepaired },
    ]),
  });
  metrics.gauge({
    name: "quorumfs_datanode_repairs_waiting",
    help: "Damaged records and chunks that are not repaired yet.",
    labels: ["what"],
    read: from(({ upkeep: { toRepair } }) => [
      { labels: { what: "record" }, value: toRepair.records },
      { labels: { what: "chunk" }, value: toRepair.chunks },
    ]),
  });
  metrics.gauge({
    name: "quorumfs_datanode_scrub_state",
    help: "1 for what the scrub is doing: running, paused, or idle.",
    labels: ["state"],
    read: from(({ upkeep: { scrub } }) =>
      (["running", "paused", "idle"] as const).map((state) => ({
        labels: { state },
        value: scrub.state === state ? 1 : 0,
      })),
    ),
  });
  metrics.gauge({
    name: "quorumfs_datanode_scrub_read_bytes",
    help: "How much the present pass of the scrub, or the last one, has read and checked.",
    read: from(({ upkeep: { scrub } }) => scrub.progress.bytes),
  });
  metrics.gauge({
    name: "quorumfs_datanode_scrub_pass_bytes",
    help: "How much there was to read when that pass began.",
    read: from(({ upkeep: { scrub } }) => scrub.progress.bytesTotal),
  });
  metrics.gauge({
    name: "quorumfs_datanode_scrub_completed_timestamp_seconds",
    help: "When the last complete pass of the scrub ended, in seconds since 1970; absent: there was none.",
    read: from(({ upkeep: { scrub } }) => secondsOf(scrub.progress.endedAtMs)),
  });
  metrics.gauge({
    name: "quorumfs_datanode_tombstones_collected_total",
    type: "counter",
    help: "Traces of deleted files that were erased on all their replicas, by this node.",
    read: from(({ tombstones }) => tombstones.counts.collected),
  });
}

/** 0: it never was. */
function secondsOf(wallMs: number): number | undefined {
  return wallMs === 0 ? undefined : wallMs / 1000;
}

function syncMetrics(metrics: Metrics, from: From): void {
  metrics.gauge({
    name: "quorumfs_datanode_in_sync",
    help: "1 if this node lacked nothing when it was last compared with each other replica that is up.",
    read: from(({ sync }) => (sync.status.state === SyncState.SYNC_STATE_IN_SYNC ? 1 : 0)),
  });
  metrics.gauge({
    name: "quorumfs_datanode_in_sync_timestamp_seconds",
    help: "When a comparison last found nothing lacking, in seconds since 1970; absent: never since the start.",
    read: from(({ sync }) => secondsOf(sync.status.inSyncAtMs)),
  });
  metrics.gauge({
    name: "quorumfs_datanode_behind_records",
    help: "Records that this node is known to lack, or to hold in an older version.",
    read: from(({ sync }) => sync.status.behindRecords),
  });
  metrics.gauge({
    name: "quorumfs_datanode_behind_bytes",
    help: "Bytes of the files of those records.",
    read: from(({ sync }) => sync.status.behindBytes),
  });
  metrics.gauge({
    name: "quorumfs_datanode_behind_chunks",
    help: "Chunks that this node is known to lack.",
    read: from(({ sync }) => sync.status.behindChunks),
  });
  metrics.gauge({
    name: "quorumfs_datanode_catch_up_records_total",
    type: "counter",
    help: "Records that catching up was to fetch: held now, unneeded, left out because the disk is full, or failed.",
    labels: ["outcome"],
    read: from(({ sync: { fetched } }) =>
      fetchOutcomes.map((outcome) => ({ labels: { outcome }, value: fetched[outcome] })),
    ),
  });
  metrics.gauge({
    name: "quorumfs_datanode_joining_partitions",
    help: "Partitions that this node takes over and has not got all of yet.",
    read: from(({ sync }) => sync.status.joiningPartitions),
  });
  metrics.gauge({
    name: "quorumfs_datanode_leaving_partitions",
    help: "Partitions that were this node's, and of which something is left.",
    read: from(({ sync }) => sync.status.leavingPartitions),
  });
  metrics.gauge({
    name: "quorumfs_datanode_joined_records_total",
    type: "counter",
    help: "Records that were fetched to take partitions over.",
    read: from(({ sync }) => sync.status.joinedRecords),
  });
  metrics.gauge({
    name: "quorumfs_datanode_joined_bytes_total",
    type: "counter",
    help: "Bytes of contents and chunks that were fetched to take partitions over.",
    read: from(({ sync }) => sync.status.joinedBytes),
  });
}

function clusterMetrics(metrics: Metrics, from: From): void {
  metrics.gauge({
    name: "quorumfs_datanode_node_info",
    help: "Always 1: which number this node has in the cluster, and how often it has started.",
    labels: ["node", "incarnation"],
    read: from(({ self }) => {
      const labels = { node: String(self.member?.nodeId ?? ""), incarnation: String(self.incarnation) };
      return [{ labels, value: 1 }];
    }),
  });
  metrics.gauge({
    name: "quorumfs_datanode_layout_number",
    help: "The layout that this node follows; differs between nodes only while a new one spreads.",
    read: from(({ store }) => store.view.layoutNumber),
  });
  metrics.gauge({
    name: "quorumfs_datanode_partitions",
    help: "Partitions of which this node is a replica in that layout: held, and on the way here.",
    labels: ["what"],
    read: from(({ self, store }) => {
      const partitions = store.view.layout?.partitions ?? [];
      const own = self.member?.nodeId;
      const countOf = (key: "nodes" | "joining") =>
        partitions.filter((partition) => own !== undefined && partition[key].includes(own)).length;
      return [
        { labels: { what: "held" }, value: countOf("nodes") },
        { labels: { what: "joining" }, value: countOf("joining") },
      ];
    }),
  });
  metrics.gauge({
    name: "quorumfs_datanode_events_total",
    type: "counter",
    help: "What this node has noticed and told the SuperNode, by kind.",
    labels: ["kind"],
    read: from(({ events }) => Array.from(events.counts, ([kind, value]) => ({ labels: { kind }, value }))),
  });
  metrics.gauge({
    name: "quorumfs_datanode_events_undelivered",
    help: "Events that the SuperNode has not acknowledged yet.",
    read: from(({ events }) => events.undelivered),
  });
}
