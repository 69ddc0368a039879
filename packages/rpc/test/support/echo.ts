import type { Method } from "@quorumfs/core";

/** A method whose messages are JSON, so that tests need no contract of their own. */
export function jsonMethod<Request, Response>(
  name: string,
  kind: { readonly requestStream?: boolean; readonly responseStream?: boolean } = {},
): Method<Request, Response> {
  const encode = (message: unknown): Uint8Array => Buffer.from(JSON.stringify(message));
  return {
    path: `/quorumfs.test.EchoService/${name}`,
    requestStream: kind.requestStream ?? false,
    responseStream: kind.responseStream ?? false,
    requestSerialize: encode,
    requestDeserialize: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as Request,
    responseSerialize: encode,
    responseDeserialize: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as Response,
  };
}

export interface Text {
  readonly text: string;
}

export const echo = jsonMethod<Text, Text>("Echo");
export const count = jsonMethod<{ readonly upTo: number }, { readonly n: number }>("Count", { responseStream: true });
export const exchange = jsonMethod<Text, Text>("Exchange", { requestStream: true, responseStream: true });
