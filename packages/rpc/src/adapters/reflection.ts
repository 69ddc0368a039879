import type { Server, ServerDuplexStream, UntypedHandleCall, UntypedServiceImplementation } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { fileDescriptors } from "@quorumfs/proto";

// The form in which the reflection package takes descriptors; it looks at nothing else of a definition.
const contracts = {
  quorumfs: {
    format: "Protocol Buffer 3 DescriptorProto" as const,
    type: {},
    fileDescriptorProtos: fileDescriptors.map((file) => Buffer.from(file, "base64")),
  },
};

/** Lets tools such as grpcurl ask the server which methods it offers, and what their messages look like. */
export function addReflection(server: Server, services: string[]): void {
  new ReflectionService(contracts, { services }).addToServer({
    addService: (definition, implementation) => {
      const bounded: UntypedServiceImplementation = {};
      for (const [name, handle] of Object.entries(implementation)) bounded[name] = withBackPressure(handle);
      server.addService(definition, bounded);
    },
  });
}

/** The package answers a question of 50 bytes with one of 50 KiB, and reads on when nobody reads its answers. */
function withBackPressure(handle: UntypedHandleCall) {
  return (stream: ServerDuplexStream<unknown, unknown>): void => {
    Reflect.apply(handle, undefined, [stream]);
    stream.on("data", () => {
      if (!stream.writableNeedDrain) return;
      stream.pause();
      stream.once("drain", () => stream.resume());
    });
  };
}
