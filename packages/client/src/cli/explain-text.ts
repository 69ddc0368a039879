/** How the vote on a file stands, for people. */
import { formatBytes } from "@quorumfs/runtime/lean";
import type { BallotInfo, ChunkHolder, Explanation, ReplicaCopy, ReplicaVote } from "../explain-info.js";
import { tableText } from "./table.js";
import { printable, sizeText, timeText } from "./wording.js";

export function explanationText(explanation: Explanation): string {
  const { chunkHolders, reasons, readNeeds, writeNeeds } = explanation;
  return [
    headText(explanation),
    "",
    votesTable(explanation),
    ...(chunkHolders.length === 0 ? [] : ["", chunksTable(chunkHolders)]),
    "",
    "Why:",
    ...reasons.map((reason, index) => `  ${String(index + 1).padStart(2)}. ${printable(reason)}`),
    "",
    `Read:   ${readNeeds}`,
    `Write:  ${writeNeeds}`,
  ].join("\n");
}

function headText(explanation: Explanation): string {
  const { name, replicas, readQuorum, writeQuorum, durability, partition, layout, coordinator, joint } = explanation;
  return [
    `${printable(name)}: ${verdictText(explanation)}`,
    `  N=${replicas} R=${readQuorum} W=${writeQuorum}, ${durability}; partition ${partition} of layout ${layout}${joint ? ", moving" : ""}; asked by DataNode ${coordinator}`,
  ].join("\n");
}

function verdictText({ verdict, version }: Explanation): string {
  const facts = version && !version.deleted ? `, ${sizeText(version.size)}, of ${timeText(version.modifiedAt)}` : "";
  switch (verdict) {
    case "found":
      return `version ${version?.version ?? "?"}${facts}`;
    case "absent":
      return version ? `deleted, with version ${version.version}` : "there is no such file";
    case "unsettled":
      return `${version?.deleted === true ? "a delete, version" : "version"} ${version?.version ?? "?"} is not known to be chosen${facts}`;
    case "no_quorum":
      return "no quorum: it cannot be read now";
  }
}

function votesTable({ votes, joint, chunkHolders }: Explanation): string {
  const hasChunks = chunkHolders.length > 0;
  return tableText(
    [
      "NODE",
      "ADDRESS",
      "ZONE",
      ...(joint ? ["GROUP"] : []),
      "COUNTED",
      "STATE",
      "VERSION",
      "SIZE",
      "ACCEPTED",
      "PROMISED",
      "COMMITTED",
      "FLOOR",
      ...(hasChunks ? ["CHUNKS"] : []),
      "LATENCY",
    ],
    votes.map((vote) => [
      vote.node,
      vote.address,
      vote.zone || "-",
      ...(joint ? [vote.group] : []),
      vote.counted ? "yes" : "no",
      ...copyCells(vote),
      ...(hasChunks ? [vote.copy ? `${vote.copy.chunksHeld} of ${vote.copy.chunksWanted}` : "-"] : []),
      vote.copy ? latencyText(vote.latencyMs) : "-",
    ]),
  );
}

function copyCells({ copy }: ReplicaVote): readonly string[] {
  if (!copy) return ["no answer", "-", "-", "-", "-", "-", "-"];
  return [
    copy.state.replace("_", " "),
    versionText(copy),
    copy.version === undefined || copy.deleted ? "-" : formatBytes(copy.size),
    ballotText(copy.accepted),
    ballotText(copy.promised),
    ballotText(copy.committed),
    copy.floor === 0 ? "-" : String(copy.floor),
  ];
}

function versionText({ version, deleted }: ReplicaCopy): string {
  if (version === undefined) return "nothing";
  return deleted ? `${version} (delete)` : String(version);
}

function chunksTable(holders: readonly ChunkHolder[]): string {
  return tableText(
    ["NODE", "ADDRESS", "ZONE", "CHUNKS", "LACKING"],
    holders.map(({ node, address, zone, wanted, held, failure }) => [
      node,
      address,
      zone || "-",
      failure === undefined ? `${held} of ${wanted}` : `? of ${wanted}`,
      failure === undefined ? String(wanted - held) : printable(failure),
    ]),
  );
}

/** Counter, node and incarnation. */
export function ballotText(ballot: BallotInfo | undefined): string {
  return ballot ? `${ballot.counter}.${ballot.node}.${ballot.incarnation}` : "-";
}

function latencyText(latencyMs: number): string {
  return latencyMs === 0 ? "own" : `${latencyMs.toFixed(1)} ms`;
}
