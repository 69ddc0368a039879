import { describe, expect, test } from "@jest/globals";
import { type CancelSignal, QuorumError } from "@quorumfs/core";
import { type LaneCaller, serveLane, type ServedLane, type ServeLaneOptions } from "../../src/index.js";
import { FakeClock } from "../support/fake-clock.js";
import { FakeDuplex } from "../support/fake-duplex.js";
import { recordingLog } from "../support/systems.js";

interface Message {
  id: number;
  readonly text: string;
}
type Reply = (response: Message) => void;
type Options = Partial<ServeLaneOptions<Message, Message, Message[], Message[]>>;

/** A served lane whose peer is the test. */
class Bench {
  readonly clock = new FakeClock();
  readonly log = recordingLog();
  readonly stream = new FakeDuplex<Message[], Message[]>();
  readonly running: { readonly request: Message; readonly reply: Reply; readonly caller: LaneCaller }[] = [];
  readonly served: ServedLane;

  constructor(options: Options = {}) {
    this.served = serveLane(this.stream, {
      unpack: (frame) => frame,
      pack: (responses) => responses,
      bytesOf: ({ text }) => text.length,
      dispatch: (request, reply, caller) => this.running.push({ request, reply, caller }),
      refuse: ({ id }, error) => ({ id, text: error.code }),
      clock: this.clock,
      log: this.log,
      ...options,
    });
  }

  get frames(): string[][] {
    return this.stream.written.map((frame) => frame.map(({ id, text }) => `${id}:${text}`));
  }

  receive(...ids: number[]): void {
    this.stream.receive(ids.map((id) => ({ id, text: "request" })));
    this.clock.endTurn();
  }

  replyAll(text = "ok"): void {
    for (const { request, reply } of this.running.splice(0)) reply({ id: request.id, text });
    this.clock.endTurn();
  }

  signalOf(index: number): CancelSignal {
    const running = this.running[index];
    if (running === undefined) throw new Error(`request ${index} is not running`);
    return running.caller.signalOf(running.request);
  }
}

describe("replies", () => {
  test("of one turn share a frame, whose size is told", () => {
    const sizes: number[] = [];
    const bench = new Bench({ onFrame: (responses) => sizes.push(responses) });
    bench.receive(1, 2, 3);
    bench.replyAll();
    expect(bench.frames).toEqual([["1:ok", "2:ok", "3:ok"]]);
    expect(sizes).toEqual([3]);
  });

  test("collect while the stream holds back, and are cut at batchBytesMax", () => {
    const bench = new Bench({ batchBytesMax: 5 });
    bench.stream.free = false;
    bench.receive(1, 2, 3, 4);
    bench.replyAll("xx");
    expect(bench.frames).toEqual([["1:xx", "2:xx"]]);
    bench.stream.drain();
    expect(bench.frames).toEqual([
      ["1:xx", "2:xx"],
      ["3:xx", "4:xx"],
    ]);
  });

  test("an empty frame is answered by one, and only by one while the peer does not read", () => {
    const bench = new Bench();
    bench.stream.receive([]);
    expect(bench.frames).toEqual([[]]);
    bench.stream.free = false;
    for (let probe = 0; probe < 1000; probe += 1) bench.stream.receive([]);
    expect(bench.frames).toHaveLength(2);
    bench.stream.drain();
    expect(bench.frames).toHaveLength(3);
  });

  test("a handler that throws is answered for, and logged if it is our fault", () => {
    const bench = new Bench({
      dispatch: ({ id }) => {
        if (id === 1) throw new QuorumError({ code: "invalid_argument", message: "no" });
        throw new TypeError("bug");
      },
    });
    bench.receive(1, 2, 0);
    expect(bench.frames).toEqual([["1:invalid_argument", "2:internal"]]);
    expect(bench.log.events).toEqual(["lane.handler-failed", "lane.handler-failed"]);
  });
});

describe("bounds", () => {
  test("reading stops at inFlightMax and goes on at half of it", () => {
    const bench = new Bench({ inFlightMax: 4 });
    bench.receive(1, 2, 3);
    expect(bench.stream.paused).toBe(false);
    bench.receive(4);
    expect(bench.stream.paused).toBe(true);
    const [first, ...others] = bench.running.splice(0);
    first?.reply({ id: 1, text: "ok" });
    bench.clock.endTurn();
    expect(bench.stream.paused).toBe(true);
    for (const { request, reply } of others) reply({ id: request.id, text: "ok" });
    bench.clock.endTurn();
    expect(bench.stream.paused).toBe(false);
  });

  test("reading stops while large replies wait, however few they are", () => {
    const bench = new Bench();
    bench.stream.free = false;
    bench.receive(1);
    bench.replyAll();
    bench.receive(2, 3, 4);
    expect(bench.stream.paused).toBe(false);
    bench.replyAll("x".repeat(4 * 1024 * 1024));
    expect(bench.stream.paused).toBe(true);
    bench.stream.drain();
    expect(bench.stream.paused).toBe(false);
  });

  test("a peer that asks for tens of thousands of things in one frame is cut off", () => {
    const bench = new Bench();
    bench.receive(...Array.from({ length: 20_000 }, (_, index) => index + 1));
    expect(bench.stream.cancelled).toBe(true);
    expect(bench.running).toEqual([]);
  });

  test("a peer that reads nothing is read no further, and cut off in the end", () => {
    const bench = new Bench({ inFlightMax: 4, stallTimeoutMs: 1000 });
    bench.stream.free = false;
    bench.receive(1, 2, 3, 4);
    bench.replyAll();
    bench.receive(5, 6, 7, 8);
    bench.replyAll();
    expect(bench.frames).toHaveLength(1);
    expect(bench.stream.paused).toBe(true);
    bench.clock.advance(1000);
    expect(bench.stream.cancelled).toBe(true);
    expect(bench.log.events).toEqual(["lane.stalled"]);
  });

  test("posts count for nothing", () => {
    const bench = new Bench({ inFlightMax: 2 });
    bench.receive(0, 0, 0, 0);
    expect(bench.stream.paused).toBe(false);
    expect(bench.running).toHaveLength(4);
  });
});

describe("the peer goes", () => {
  test("what runs is cancelled, and what it replies is dropped", () => {
    const bench = new Bench();
    bench.receive(1, 2);
    const signal = bench.signalOf(0);
    let heard = 0;
    signal.addEventListener("abort", () => {
      heard += 1;
    });
    bench.stream.finish(new Error("gone"));
    expect(signal.aborted).toBe(true);
    expect(heard).toBe(1);
    expect(bench.signalOf(1).aborted).toBe(true);
    bench.replyAll();
    expect(bench.frames).toEqual([]);
  });

  test("one request cancelled by the peer: its signal says so, the others' do not", () => {
    const bench = new Bench({
      cancelledId: ({ text }) => (text.startsWith("cancel ") ? Number(text.slice(7)) : undefined),
    });
    bench.receive(1, 2);
    const [first, second] = [bench.signalOf(0), bench.signalOf(1)];
    bench.stream.receive([{ id: 0, text: "cancel 1" }]);
    expect([first.aborted, second.aborted]).toEqual([true, false]);
    bench.replyAll();
    expect(bench.frames).toEqual([["1:ok", "2:ok"]]);
  });

  test("half-closed by the peer: running requests are still answered, then the stream ends", () => {
    const bench = new Bench();
    bench.receive(1);
    bench.stream.finish();
    expect(bench.stream.halfClosed).toBe(false);
    bench.replyAll();
    expect(bench.frames).toEqual([["1:ok"]]);
    expect(bench.stream.halfClosed).toBe(true);
  });
});

describe("drain", () => {
  test("takes no more, answers what runs, then ends the stream", async () => {
    const bench = new Bench();
    bench.receive(1);
    const drained = bench.served.drain();
    bench.receive(2);
    expect(bench.running).toHaveLength(1);
    expect(bench.stream.halfClosed).toBe(false);
    bench.replyAll();
    await drained;
    expect(bench.stream.halfClosed).toBe(true);
    expect(bench.frames).toEqual([["1:ok"]]);
    await bench.served.drain();
  });
});
