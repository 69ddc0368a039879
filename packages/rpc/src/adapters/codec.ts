import { type Method, QuorumError } from "@quorumfs/core";

/** A method's functions: in the form that grpc-js takes, and in that which our own streams take. */
export interface Codec<Request, Response> {
  readonly encodeRequest: (message: Request) => Buffer;
  readonly decodeRequest: (bytes: Uint8Array) => Request | Undecodable;
  readonly encodeResponse: (message: Response) => Buffer;
  readonly decodeResponse: (bytes: Uint8Array) => Response;
  /** What a message consists of, one piece after the other. */
  readonly requestPieces: (message: Request) => readonly Uint8Array[];
  readonly responsePieces: (message: Response) => readonly Uint8Array[];
}

/**
 * Stands in for a request whose bytes are no message, so that its answer is ours to give: grpc-js would call it a fault
 * of the server.
 */
export class Undecodable {
  readonly error: QuorumError;

  constructor(cause: unknown) {
    this.error = new QuorumError({ code: "invalid_argument", message: "the request could not be decoded", cause });
  }
}

export function codecOf<Request, Response>(method: Method<Request, Response>): Codec<Request, Response> {
  return {
    encodeRequest: (message) => asBuffer(method.requestSerialize(message)),
    decodeRequest: (bytes) => {
      try {
        return method.requestDeserialize(bytes);
      } catch (thrown) {
        return new Undecodable(thrown);
      }
    },
    encodeResponse: (message) => asBuffer(method.responseSerialize(message)),
    decodeResponse: (bytes) => method.responseDeserialize(bytes),
    requestPieces: (message) => method.requestPieces?.(message) ?? [method.requestSerialize(message)],
    responsePieces: (message) => method.responsePieces?.(message) ?? [method.responseSerialize(message)],
  };
}

// The same bytes, not a copy of them.
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
