import type { Log, Network } from "@quorumfs/core";
import { GrpcChannel } from "./channel.js";
import { openListener } from "./listener.js";

/** The network of production: gRPC over HTTP/2, by grpc-js. */
export function grpcNetwork(options: { readonly log: Log }): Network {
  return {
    connect: (connection) => new GrpcChannel(connection),
    listen: (listening) => openListener(listening, options.log),
  };
}
