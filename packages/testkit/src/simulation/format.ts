import {
  type Ballot,
  type ReplicaReply,
  type ReplicaRequest,
  type Value,
  formatBallot,
  isRefusal,
  isZeroBallot,
} from "@quorumfs/core";

/** Protocol messages in one line each, for traces that people read and that golden files keep. */
export function formatRequest(request: ReplicaRequest): string {
  switch (request.kind) {
    case "read":
      return request.withContent ? "READ with content" : "READ";
    case "prepare":
      return `PREPARE ${formatBallot(request.ballot)}`;
    case "accept": {
      const next = request.next ? ` next ${formatBallot(request.next)}` : "";
      return `ACCEPT ${formatBallot(request.ballot)} ${formatValue(request.value)}${next}`;
    }
    case "commit":
      return `COMMIT ${formatBallot(request.ballot)}`;
    case "erase":
      return `ERASE ${formatBallot(request.ballot)}`;
  }
}

export function formatReply(reply: ReplicaReply): string {
  switch (reply.kind) {
    case "state": {
      const value = reply.value ? `${formatBallot(reply.accepted)} ${formatValue(reply.value)}` : "nothing";
      return `STATE ${value}${formatHint("committed", reply.committed)}${reply.floor > 0 ? ` floor ${reply.floor}` : ""}`;
    }
    case "ok":
      return "OK";
    case "nack":
      return `NACK promised ${formatBallot(reply.promised)}${reply.floor > 0 ? ` floor ${reply.floor}` : ""}`;
    case "corrupt":
      return "CORRUPT";
    case "stale_layout":
      return `STALE_LAYOUT ${reply.layout}`;
    case "refused":
      return `REFUSED ${reply.code}`;
  }
}

export function formatValue(value: Value | undefined): string {
  if (!value) return "nothing";
  const marks = value.ring.map((mark) => `${formatId(mark.requestId)}@${isRefusal(mark) ? "refused" : mark.counter}`);
  const what = value.kind === "tombstone" ? "tombstone" : formatContent(value);
  return `<${what} v${formatBallot(value.version)} ring ${marks.join(",")}>`;
}

function formatContent(value: Value): string {
  switch (value.content.kind) {
    case "inline":
      return `"${formatId(value.content.bytes)}"`;
    case "omitted":
      return "...";
    case "manifest":
      return "manifest";
    case "none":
      return "empty";
  }
}

function formatHint(name: string, ballot: Ballot): string {
  return isZeroBallot(ballot) ? "" : ` ${name} ${formatBallot(ballot)}`;
}

/** Ids and contents of simulated operations are text. */
export function formatId(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
