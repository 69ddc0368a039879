import type { Channel, Clock, Network, QuorumError, Random } from "@quorumfs/core";
import {
  FileRequest,
  type FileResponse,
  FileServiceService,
  type SessionRequest,
  type SessionResponse,
} from "@quorumfs/proto";
import { type CancelCall, Lane } from "@quorumfs/rpc";

type FileLane = Lane<FileRequest, FileResponse, SessionRequest, SessionResponse>;

// What a request takes besides its content: names, ids, hashes.
const envelopeBytes = 200;

export interface SessionOptions {
  readonly peer: string;
  readonly address: string;
  readonly identity: ReadonlyMap<string, string>;
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly onChange: (up: boolean) => void;
}

/** The lane to one DataNode; opened with the first request. */
export class Session {
  readonly #options: SessionOptions;
  #channel: Channel | undefined;
  #lane: FileLane | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** False: nothing has been sent on the present connection. */
  get up(): boolean {
    return this.#lane?.up ?? false;
  }

  call(
    request: FileRequest,
    options: { readonly timeoutMs: number },
    done: (error: QuorumError | undefined, response: FileResponse | undefined) => void,
  ): CancelCall {
    this.#lane ??= this.#open();
    return this.#lane.call(request, options, done);
  }

  #open(): FileLane {
    const { network, address, identity, clock, random, peer, onChange } = this.#options;
    const channel = network.connect({ address, purpose: "files", identity });
    this.#channel = channel;
    return new Lane<FileRequest, FileResponse, SessionRequest, SessionResponse>({
      peer,
      open: () => channel.duplex(FileServiceService.session, {}),
      pack: (requests) => ({ requests }),
      unpack: (frame) => frame.responses,
      bytesOf,
      cancelRequest: (id) => FileRequest.fromPartial({ operation: { $case: "cancel", value: id } }),
      clock,
      random,
      onChange,
    });
  }

  /** Idempotent. What is under way fails with `cancelled`. */
  close(): void {
    this.#lane?.close();
    this.#channel?.close();
  }
}

function bytesOf(request: FileRequest): number {
  const { operation } = request;
  if (operation?.$case !== "put") return envelopeBytes;
  const { content, manifest } = operation.value;
  return envelopeBytes + content.length + manifest.length;
}
