import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import {
  type Channel,
  duplexRoute,
  type Duplex,
  type Listener,
  QuorumError,
  serverStreamRoute,
  unaryRoute,
} from "@quorumfs/core";
import {
  AdminServiceService,
  type ExchangeRequest,
  type ExchangeResponse,
  GetBucketResponse,
  PullRecordsRequest,
  PullRecordsResponse,
  ReplicaServiceService,
  SyncServiceService,
} from "@quorumfs/proto";
import { grpcNetwork } from "@quorumfs/rpc";
import { silentLog, systemClock } from "@quorumfs/runtime";
import { waitUntil } from "../../src/cluster/wait-until.js";
import { seededRandom } from "../../src/cluster/seeded-random.js";
import { FaultTable } from "../../src/faults/fault-table.js";
import { FaultyNetwork } from "../../src/faults/faulty-network.js";
import type { Party } from "../../src/faults/party.js";
import { Power } from "../../src/faults/power.js";

const clock = systemClock();
const seed = Math.floor(Math.random() * 2 ** 32);

let faults: FaultTable;
let powers: { 1: Power; 2: Power };
let served: number;
let listener: Listener;
let channel: Channel;

const until = (what: string, condition: () => boolean) => waitUntil({ what, condition, timeoutMs: 5_000, clock });

/** DataNode 1 serves, DataNode 2 calls it. */
beforeEach(async () => {
  faults = new FaultTable(seededRandom(seed));
  powers = { 1: new Power(), 2: new Power() };
  served = 0;
  const parties = new Map<string, Party>();
  const inner = grpcNetwork({ log: silentLog });
  const network = (self: 1 | 2) => new FaultyNetwork({ inner, self, parties, faults, clock, power: powers[self] });
  listener = await network(1).listen({
    host: "127.0.0.1",
    port: 0,
    routes: [
      unaryRoute(AdminServiceService.getBucket, async () => {
        served += 1;
        return GetBucketResponse.fromPartial({ replicas: 3 });
      }),
      duplexRoute(ReplicaServiceService.exchange, (stream) => {
        stream.onMessage(({ requests }) => {
          served += 1;
          stream.write({ responses: requests.map(({ id }) => ({ id, reply: undefined })) });
        });
        stream.onEnd(() => undefined);
      }),
      serverStreamRoute(SyncServiceService.pullRecords, async function* (_request, { signal }) {
        for (;;) {
          yield PullRecordsResponse.fromPartial({});
          await new Promise<void>((resolve) => clock.after(5, resolve));
          if (signal.aborted) return;
        }
      }),
    ],
  });
  channel = network(2).connect({ address: listener.address, purpose: "votes", identity: new Map() });
});

afterEach(async () => {
  channel.close();
  await listener.close(0);
});

const ask = (timeoutMs = 3_000) =>
  channel.unary(AdminServiceService.getBucket, { name: "files" }, { timeoutMs }).then(
    ({ replicas }) => replicas,
    (error: unknown) => QuorumError.from(error),
  );

class Conversation {
  readonly answers: number[] = [];
  ended = false;
  error: Error | undefined;
  readonly stream: Duplex<ExchangeRequest, ExchangeResponse>;

  constructor() {
    this.stream = channel.duplex(ReplicaServiceService.exchange, {});
    this.stream.onMessage(({ responses }) => this.answers.push(...responses.map(({ id }) => id)));
    this.stream.onEnd((error) => {
      expect(this.ended).toBe(false);
      this.ended = true;
      this.error = error;
    });
  }

  say(id: number): void {
    this.stream.write({
      requests: [
        { id, bucket: 1, path: "a", layout: 1, vote: undefined, requestId: new Uint8Array(0), traceparent: "" },
      ],
    });
  }
}

describe("without faults", () => {
  test("calls and streams pass", async () => {
    expect(await ask()).toBe(3);
    const conversation = new Conversation();
    conversation.say(1);
    conversation.say(2);
    await until("both are answered", () => conversation.answers.length === 2);
    conversation.stream.cancel();
    await until("the stream ended", () => conversation.ended);
  });

  test("a server stream ends when its reader leaves", async () => {
    let read = 0;
    for await (const _page of channel.serverStream(SyncServiceService.pullRecords, pull, {})) {
      read += 1;
      if (read === 3) break;
    }
    expect(read).toBe(3);
  });
});

const pull = PullRecordsRequest.fromPartial({});

describe("lost messages", () => {
  test("a lost request: never served, unavailable at the deadline", async () => {
    const fault = faults.drop({ to: 1, count: 1 });
    expect(await ask(100)).toMatchObject({ code: "unavailable", details: { mayHaveRun: true } });
    expect(served).toBe(0);
    expect(fault.hits).toBe(1);
    expect(await ask()).toBe(3);
  });

  test("a lost answer: served, and unavailable all the same", async () => {
    faults.drop({ from: 1, count: 1 });
    expect(await ask(300)).toMatchObject({ code: "unavailable" });
    expect(served).toBe(1);
  });

  test("a lost frame: the stream goes on with the next", async () => {
    const conversation = new Conversation();
    conversation.say(1);
    await until("the first is answered", () => conversation.answers.length === 1);
    faults.drop({ from: 2, count: 1 });
    conversation.say(2);
    conversation.say(3);
    await until("the third is answered", () => conversation.answers.includes(3));
    expect(conversation.answers).toEqual([1, 3]);
    expect(conversation.ended).toBe(false);
  });

  test(`a share of them (seed ${seed})`, async () => {
    faults.drop({ fraction: 0.5 });
    const conversation = new Conversation();
    for (let id = 1; id <= 400; id += 1) conversation.say(id);
    await until("the last frames have arrived", () => served > 120);
    faults.heal();
    conversation.say(401);
    await until("a frame after the faults is answered", () => conversation.answers.includes(401));
    expect(served).toBeLessThan(280);
    expect(conversation.answers.length).toBeLessThan(served);
    expect(conversation.answers).toEqual([...conversation.answers].sort((a, b) => a - b));
  });
});

describe("late messages", () => {
  test("arrive late and in order", async () => {
    faults.delay({ delayMs: 20, jitterMs: 20 });
    const startedMs = clock.nowMs();
    const conversation = new Conversation();
    for (let id = 1; id <= 50; id += 1) conversation.say(id);
    await until("all are answered", () => conversation.answers.length === 50);
    expect(clock.nowMs() - startedMs).toBeGreaterThanOrEqual(39);
    expect(conversation.answers).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
  });

  test("a paused stream holds what was delayed", async () => {
    const conversation = new Conversation();
    conversation.say(1);
    await until("the first is answered", () => conversation.answers.length === 1);
    const fault = faults.delay({ delayMs: 30 });
    conversation.say(2);
    await until("the answer is on its way", () => fault.hits === 2);
    conversation.stream.pause();
    await new Promise<void>((resolve) => clock.after(60, resolve));
    expect(conversation.answers).toEqual([1]);
    conversation.stream.resume();
    expect(conversation.answers).toEqual([1, 2]);
  });
});

describe("a cut", () => {
  test("calls fail in time, before and after; healed, they pass", async () => {
    const fault = faults.cut({ from: 2, to: 1 });
    expect(await ask(100)).toMatchObject({ code: "unavailable" });
    expect(served).toBe(0);
    fault.end();
    expect(await ask()).toBe(3);
  });

  test("one way: what is asked is done, what is answered is lost", async () => {
    faults.cut({ from: 1, to: 2 });
    expect(await ask(200)).toMatchObject({ code: "unavailable" });
    expect(served).toBe(1);
  });

  test("a stream falls silent, then breaks", async () => {
    const conversation = new Conversation();
    conversation.say(1);
    await until("the first is answered", () => conversation.answers.length === 1);
    faults.cut({ from: 1, to: 2 });
    conversation.say(2);
    expect(conversation.ended).toBe(false);
    await until("the stream is given up", () => conversation.ended);
    expect(conversation.error).toMatchObject({ code: "unavailable" });
    expect(conversation.answers).toEqual([1]);
  });

  test("a stream that lost something breaks when the way is free again", async () => {
    const conversation = new Conversation();
    conversation.say(1);
    await until("the first is answered", () => conversation.answers.length === 1);
    faults.cut({ from: 2, to: 1 });
    conversation.say(2);
    faults.heal();
    expect(conversation.ended).toBe(true);
  });

  test("a stream that lost nothing survives a short one", async () => {
    const conversation = new Conversation();
    conversation.say(1);
    await until("the first is answered", () => conversation.answers.length === 1);
    faults.cut({ from: 2, to: 1 });
    faults.heal();
    conversation.say(2);
    await until("the second is answered", () => conversation.answers.length === 2);
  });

  test("a server stream breaks", async () => {
    let read = 0;
    const reading = (async () => {
      for await (const _page of channel.serverStream(SyncServiceService.pullRecords, pull, {})) read += 1;
    })();
    await until("pages arrive", () => read > 2);
    faults.cut({ from: 1, to: 2 });
    await expect(reading).rejects.toMatchObject({ code: "unavailable" });
  });

  test("hits only whom it names", async () => {
    faults.cut({ from: 2, to: 3 });
    faults.cut({ from: "client" });
    expect(await ask()).toBe(3);
  });
});

describe("power", () => {
  test("cut at the server: streams break, calls are refused, its port is free", async () => {
    const conversation = new Conversation();
    conversation.say(1);
    await until("the first is answered", () => conversation.answers.length === 1);
    powers[1].cut();
    conversation.say(2);
    await until("the stream broke", () => conversation.ended);
    expect(conversation.answers).toEqual([1]);
    expect(await ask()).toMatchObject({ code: "unavailable" });
  });

  test("cut at the caller: it hears nothing any more", async () => {
    let heard = false;
    const conversation = new Conversation();
    conversation.say(1);
    await until("the first is answered", () => conversation.answers.length === 1);
    void ask().then(() => {
      heard = true;
    });
    powers[2].cut();
    await new Promise<void>((resolve) => clock.after(50, resolve));
    expect(heard).toBe(false);
    expect(conversation.ended).toBe(false);
  });
});
