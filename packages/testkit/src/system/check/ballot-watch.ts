import { Buffer } from "node:buffer";
import { type ExchangeRequest, ReplicaServiceService, type Value } from "@quorumfs/proto";

/**
 * Watches votes on the wire: two values under one ballot of one file would be the end of all that the protocol promises. That
 * no value is chosen twice follows, since a quorum's votes are among those that are seen.
 */
export class BallotWatch {
  readonly #values = new Map<string, string>();
  #votes = 0;

  get votes(): number {
    return this.#votes;
  }

  /** @throws Error if a ballot carries two values */
  see(path: string, message: unknown): void {
    if (path !== ReplicaServiceService.exchange.path || !isExchange(message)) return;
    for (const { bucket, path: file, vote } of message.requests) {
      if (vote?.$case !== "accept") continue;
      const { ballot, value } = vote.value;
      if (!ballot || !value) continue;
      this.#votes += 1;
      const key = `${bucket}/${file} ${ballot.counter}.${ballot.node}.${ballot.incarnation}`;
      const seen = fingerprint(value);
      const before = this.#values.get(key);
      if (before === undefined) this.#values.set(key, seen);
      else if (before !== seen) throw new Error(`two values at ballot ${key}: ${before} and ${seen}`);
    }
  }
}

function isExchange(message: unknown): message is ExchangeRequest {
  return typeof message === "object" && message !== null && "requests" in message;
}

/** What a value is; its content is settled by its hash. */
function fingerprint({ tombstone, version, size, etag, ring }: Value): string {
  const ballot = `${version?.counter}.${version?.node}.${version?.incarnation}`;
  const marks = ring.map((mark) => JSON.stringify(mark)).join();
  return `${tombstone ? "tombstone" : "live"} ${ballot} ${size} ${Buffer.from(etag).toString("hex")} ${marks}`;
}
