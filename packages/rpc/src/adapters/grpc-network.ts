import type { Log, Network } from "@quorumfs/core";
import { GrpcChannel } from "./channel.js";

/** The network of production: gRPC over HTTP/2, by grpc-js. */
export function grpcNetwork(options: { readonly log: Log }): Network {
  return {
    connect: (connection) => new GrpcChannel(connection),
    listen: async (listening) => {
      // What only servers need, reflection above all, takes as long to load as all the rest.
      const { openListener } = await import("./listener.js");
      return openListener(listening, options.log);
    },
  };
}
