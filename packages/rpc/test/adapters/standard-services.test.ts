import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { type Channel, duplexRoute, type Listener, type Method, unaryRoute } from "@quorumfs/core";
import { FileServiceService, type PutRequest, type PutResponse } from "@quorumfs/proto";
import { grpcNetwork } from "../../src/index.js";
import { recordingLog } from "../support/systems.js";

const network = grpcNetwork({ log: recordingLog() });
let listener: Listener;
let channel: Channel;

function rawMethod(path: string, stream: boolean): Method<Uint8Array, Uint8Array> {
  const same = (bytes: Uint8Array): Uint8Array => bytes;
  return {
    path,
    requestStream: stream,
    responseStream: stream,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

const put: Method<PutRequest, PutResponse> = FileServiceService.put;

beforeEach(async () => {
  listener = await network.listen({
    host: "127.0.0.1",
    port: 0,
    routes: [
      unaryRoute(put, async () => ({ file: undefined, vote: undefined })),
      duplexRoute(FileServiceService.session, () => {}),
    ],
  });
  channel = network.connect({ address: listener.address, purpose: "control", identity: new Map() });
});

afterEach(async () => {
  channel.close();
  await listener.close(0);
});

test("health: serving, by grpc.health.v1", async () => {
  const check = rawMethod("/grpc.health.v1.Health/Check", false);
  // HealthCheckResponse { status = 1: SERVING }
  expect([...(await channel.unary(check, new Uint8Array(0), { timeoutMs: 30_000 }))]).toEqual([0x08, 1]);
  const service = Buffer.from("quorumfs.v1.FileService");
  const request = Uint8Array.from([0x0a, service.length, ...service]);
  expect([...(await channel.unary(check, request, { timeoutMs: 30_000 }))]).toEqual([0x08, 1]);
});

function reflect(question: number[], version: string): Promise<string> {
  const stream = channel.duplex(
    rawMethod(`/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`, true),
    {},
  );
  return new Promise((resolve, reject) => {
    stream.onMessage((answer) => {
      resolve(Buffer.from(answer).toString("latin1"));
      stream.cancel();
    });
    stream.onEnd(reject);
    stream.write(Uint8Array.from(question));
  });
}

test.each(["v1", "v1alpha"])(
  "reflection %s: names the services of this listener, and describes them",
  async (version) => {
    // ServerReflectionRequest { list_services = 7: "*" }
    const services = await reflect([0x3a, 1, 0x2a], version);
    expect(services).toContain("quorumfs.v1.FileService");
    expect(services).not.toContain("quorumfs.v1.AdminService");
    // ServerReflectionRequest { file_containing_symbol = 4 }
    const symbol = "quorumfs.v1.FileService";
    const description = await reflect([0x22, symbol.length, ...Buffer.from(symbol)], version);
    expect(description).toContain("PutRequest");
    expect(description).toContain("ErrorDetail");
  },
);
