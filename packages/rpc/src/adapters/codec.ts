import type { Method } from "@quorumfs/core";

/** A method's four functions in the form that grpc-js takes. */
export interface Codec<Request, Response> {
  readonly encodeRequest: (message: Request) => Buffer;
  readonly decodeRequest: (bytes: Uint8Array) => Request;
  readonly encodeResponse: (message: Response) => Buffer;
  readonly decodeResponse: (bytes: Uint8Array) => Response;
}

export function codecOf<Request, Response>(method: Method<Request, Response>): Codec<Request, Response> {
  return {
    encodeRequest: (message) => asBuffer(method.requestSerialize(message)),
    decodeRequest: (bytes) => method.requestDeserialize(bytes),
    encodeResponse: (message) => asBuffer(method.responseSerialize(message)),
    decodeResponse: (bytes) => method.responseDeserialize(bytes),
  };
}

// The same bytes, not a copy of them.
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
