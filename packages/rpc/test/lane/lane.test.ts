import { describe, expect, test } from "@jest/globals";
import type { QuorumError } from "@quorumfs/core";
import { Lane, type LaneOptions } from "../../src/index.js";
import { FakeClock } from "../support/fake-clock.js";
import { FakeDuplex } from "../support/fake-duplex.js";
import { evenRandom } from "../support/systems.js";

interface Message {
  id: number;
  readonly text: string;
}
type Stream = FakeDuplex<Message[], Message[]>;
type Options = Partial<LaneOptions<Message, Message, Message[], Message[]>>;

/** A lane whose peer is the test. */
class Bench {
  readonly clock = new FakeClock();
  readonly streams: Stream[] = [];
  readonly ups: boolean[] = [];
  /** How calls ended: `text: reply`, or `text: code sent|unsent`. */
  readonly ended: string[] = [];
  readonly lane: Lane<Message, Message, Message[], Message[]>;

  constructor(options: Options = {}) {
    this.lane = new Lane({
      peer: "DataNode 2",
      open: () => {
        const stream: Stream = new FakeDuplex();
        this.streams.push(stream);
        return stream;
      },
      pack: (requests) => requests,
      unpack: (frame) => frame,
      bytesOf: ({ text }) => text.length,
      clock: this.clock,
      random: evenRandom,
      onChange: (up) => this.ups.push(up),
      ...options,
    });
  }

  get stream(): Stream {
    const stream = this.streams.at(-1);
    if (stream === undefined) throw new Error("the lane has opened no stream");
    return stream;
  }

  /** Texts of the frames on the present stream, without probes. */
  get frames(): string[][] {
    return this.stream.written.filter(({ length }) => length > 0).map((frame) => frame.map(({ text }) => text));
  }

  call(text: string, timeoutMs = 1000): () => void {
    return this.lane.call({ id: 99, text }, { timeoutMs }, (error, response) => {
      this.ended.push(`${text}: ${error ? describeError(error) : response?.text}`);
    });
  }

  /** Calls, and lets the turn end. */
  send(...texts: string[]): void {
    for (const text of texts) this.call(text);
    this.clock.endTurn();
  }

  answerProbe(): void {
    this.stream.receive([]);
    this.clock.endTurn();
  }

  /** Answers the n-th request of the present stream. */
  reply(index: number, text: string): void {
    const request = this.stream.written.flat()[index];
    if (request === undefined) throw new Error(`request ${index} was not sent`);
    this.stream.receive([{ id: request.id, text }]);
    this.clock.endTurn();
  }
}

function describeError(error: QuorumError): string {
  return `${error.code} ${error.details.mayHaveRun === true ? "sent" : "unsent"}`;
}

function upBench(options: Options = {}): Bench {
  const bench = new Bench(options);
  bench.lane.open();
  bench.answerProbe();
  return bench;
}

describe("batching", () => {
  test("one turn's calls share a frame; replies find their calls in any order", () => {
    const bench = upBench();
    bench.send("a", "b", "c");
    expect(bench.frames).toEqual([["a", "b", "c"]]);
    bench.reply(2, "C");
    bench.reply(0, "A");
    bench.reply(1, "B");
    expect(bench.ended).toEqual(["c: C", "a: A", "b: B"]);
    expect(bench.lane.pending).toBe(0);
  });

  test("while the stream holds back, calls collect into one frame", () => {
    const bench = upBench();
    bench.stream.free = false;
    bench.send("a");
    bench.send("b");
    bench.send("c");
    expect(bench.frames).toEqual([["a"]]);
    bench.stream.drain();
    bench.clock.endTurn();
    expect(bench.frames).toEqual([["a"], ["b", "c"]]);
  });

  test("frames are cut at batchBytesMax; what is larger travels alone", () => {
    const bench = upBench({ batchBytesMax: 5 });
    bench.send("aaa", "bb", "c", "dddddddd", "e");
    expect(bench.frames).toEqual([["aaa", "bb"], ["c"], ["dddddddd"], ["e"]]);
  });

  test("posts keep their place among the calls and need no reply", () => {
    const bench = upBench();
    bench.call("a");
    expect(bench.lane.post({ id: 5, text: "post" })).toBe(true);
    bench.call("b");
    bench.clock.endTurn();
    expect(bench.frames).toEqual([["a", "post", "b"]]);
    expect(bench.stream.written.flat()[1]?.id).toBe(0);
    expect(bench.lane.pending).toBe(2);
  });

  test("sizes of frames are told, and how many calls wait for what", () => {
    const sizes: number[] = [];
    const bench = upBench({ onFrame: (requests) => sizes.push(requests), inFlightMax: 2 });
    bench.send("a", "b", "c");
    expect([bench.lane.inFlight, bench.lane.queued, bench.lane.pending]).toEqual([2, 1, 3]);
    bench.reply(0, "A");
    bench.reply(1, "B");
    bench.reply(2, "C");
    expect([bench.lane.inFlight, bench.lane.queued]).toEqual([0, 0]);
    expect(sizes).toEqual([2, 1]);
  });
});

describe("bounds", () => {
  test("inFlightMax calls are sent; the others go out as replies come", () => {
    const bench = upBench({ inFlightMax: 2 });
    bench.send("a", "b", "c", "d");
    expect(bench.frames).toEqual([["a", "b"]]);
    bench.reply(0, "A");
    expect(bench.frames).toEqual([["a", "b"], ["c"]]);
  });

  test("over queuedMax a call is refused, after it has returned", () => {
    const bench = upBench({ inFlightMax: 1, queuedMax: 2 });
    bench.send("a");
    bench.call("b");
    bench.call("c");
    bench.call("d");
    expect(bench.ended).toEqual([]);
    expect(bench.lane.post({ id: 0, text: "e" })).toBe(false);
    bench.clock.endTurn();
    expect(bench.ended).toEqual(["d: resource_exhausted unsent"]);
  });

  test("the queue lets go of what it has sent", () => {
    const bench = upBench({ inFlightMax: 1, queuedMax: 4 });
    for (let index = 0; index < 100; index += 1) {
      bench.send(`call ${index}`);
      bench.reply(index, "ok");
    }
    expect(bench.ended).toHaveLength(100);
    expect(bench.ended.every((end) => end.endsWith(": ok"))).toBe(true);
  });
});

describe("deadlines and cancelling", () => {
  test("a call without a reply ends at its deadline; a late reply is nobody's", () => {
    const bench = upBench();
    bench.call("slow", 300);
    bench.call("slower", 400);
    bench.clock.endTurn();
    bench.clock.advance(299);
    expect(bench.ended).toEqual([]);
    bench.clock.advance(6);
    expect(bench.ended).toEqual(["slow: unavailable sent"]);
    bench.reply(0, "late");
    bench.clock.advance(100);
    expect(bench.ended).toEqual(["slow: unavailable sent", "slower: unavailable sent"]);
    bench.clock.advance(2000);
    bench.answerProbe();
    bench.clock.advance(1000);
    expect(bench.clock.timers).toBe(0);
  });

  test("a call that could not be sent in time certainly had no effect", () => {
    const bench = upBench({ inFlightMax: 1 });
    bench.call("a", 1000);
    bench.call("b", 100);
    bench.clock.advance(106);
    expect(bench.ended).toEqual(["b: unavailable unsent"]);
    bench.reply(0, "A");
    expect(bench.frames).toEqual([["a"]]);
  });

  test("a shorter deadline that comes later is kept too", () => {
    const bench = upBench();
    bench.call("long", 10_000);
    bench.call("short", 50);
    bench.clock.advance(56);
    expect(bench.ended).toEqual(["short: unavailable sent"]);
  });

  test("cancelled before it was sent, it is not sent; cancelled after, the peer is told", () => {
    const bench = upBench({ cancelRequest: (id) => ({ id: 0, text: `cancel ${id}` }) });
    const cancelFirst = bench.call("first");
    const cancelSecond = bench.call("second");
    cancelFirst();
    bench.clock.endTurn();
    expect(bench.frames).toEqual([["second"]]);
    cancelSecond();
    cancelSecond();
    bench.clock.endTurn();
    expect(bench.frames).toEqual([["second"], [`cancel ${bench.stream.written.flat()[0]?.id}`]]);
    bench.clock.advance(2000);
    expect(bench.ended).toEqual([]);
  });
});

describe("connecting", () => {
  test("the first calls wait until the peer has answered the probe", () => {
    const bench = new Bench();
    expect(bench.streams).toHaveLength(0);
    bench.send("a");
    expect(bench.stream.written).toEqual([[]]);
    expect(bench.lane.up).toBe(false);
    bench.answerProbe();
    expect(bench.lane.up).toBe(true);
    expect(bench.frames).toEqual([["a"]]);
  });

  test("no connection: calls that waited fail, certainly without effect", () => {
    const bench = new Bench();
    bench.send("a");
    bench.stream.finish(new Error("connection refused"));
    expect(bench.ended).toEqual(["a: unavailable unsent"]);
  });

  test("a lost stream fails what was sent as perhaps executed, and the rest as not", () => {
    const bench = upBench({ inFlightMax: 1 });
    bench.send("sent", "queued");
    bench.stream.finish(new Error("connection reset"));
    expect(bench.ended).toEqual(["sent: unavailable sent", "queued: unavailable unsent"]);
    expect(bench.ups).toEqual([true, false]);
  });

  test("while the peer is away calls fail at once; it is tried with growing pauses and heard when back", () => {
    const bench = upBench();
    bench.stream.finish(new Error("connection reset"));
    bench.send("early");
    expect(bench.ended).toEqual(["early: unavailable unsent"]);
    const openedAtMs: number[] = [];
    for (let attempt = 0; attempt < 9; attempt += 1) {
      const before = bench.streams.length;
      while (bench.streams.length === before) bench.clock.advance(1);
      openedAtMs.push(bench.clock.nowMs());
      bench.stream.finish(new Error("connection refused"));
    }
    const pauses = openedAtMs.map((atMs, index) => atMs - (openedAtMs[index - 1] ?? 0));
    expect(pauses).toEqual([38, 75, 150, 300, 600, 750, 750, 750, 750]);
    bench.clock.advance(750);
    bench.answerProbe();
    bench.send("back");
    expect(bench.frames).toEqual([["back"]]);
    expect(bench.ups).toEqual([true, false, true]);
  });

  test("a peer that takes the stream and says nothing is given up, and tried again", () => {
    const bench = new Bench();
    bench.call("a", 10_000);
    bench.clock.advance(3000);
    expect(bench.streams[0]?.cancelled).toBe(true);
    expect(bench.ended).toEqual(["a: unavailable unsent"]);
    bench.clock.advance(50);
    expect(bench.streams).toHaveLength(2);
  });

  test("a peer that owes a reply and falls silent is asked, and left when it does not answer", () => {
    const bench = upBench();
    bench.call("a", 60_000);
    bench.clock.advance(999);
    expect(bench.stream.written).toHaveLength(2);
    bench.clock.advance(1);
    expect(bench.stream.written.slice(2)).toEqual([[]]);
    bench.answerProbe();
    bench.clock.advance(2999);
    expect(bench.lane.up).toBe(true);
    bench.clock.advance(1);
    expect(bench.streams[0]?.cancelled).toBe(true);
    expect(bench.ended).toEqual(["a: unavailable sent"]);
    expect(bench.ups).toEqual([true, false]);
  });

  test("a peer that is silent while short calls come and go is left as well", () => {
    const bench = upBench();
    for (let elapsedMs = 0; elapsedMs < 3000; elapsedMs += 500) {
      expect(bench.lane.up).toBe(true);
      bench.call("a", 200);
      bench.clock.advance(500);
    }
    expect(bench.lane.up).toBe(false);
  });

  test("a peer that answers slowly but says that it is there is waited for", () => {
    const bench = upBench();
    bench.call("a", 60_000);
    for (let elapsedMs = 0; elapsedMs < 30_000; elapsedMs += 100) {
      const frames = bench.stream.written.length;
      bench.clock.advance(100);
      if (bench.stream.written.length > frames) bench.answerProbe();
    }
    expect(bench.lane.up).toBe(true);
    bench.reply(0, "A");
    expect(bench.ended).toEqual(["a: A"]);
  });

  test("a peer that owes nothing may be silent", () => {
    const bench = upBench();
    bench.send("a");
    bench.reply(0, "A");
    bench.clock.advance(60_000);
    expect(bench.lane.up).toBe(true);
    expect(bench.stream.written).toHaveLength(2);
    expect(bench.clock.timers).toBe(0);
  });

  test("what an earlier stream still says is not heard", () => {
    const bench = upBench();
    bench.send("a");
    const [old] = bench.streams;
    const id = old?.written.flat()[0]?.id ?? 0;
    old?.finish(new Error("connection reset"));
    bench.clock.advance(50);
    bench.answerProbe();
    bench.send("b");
    old?.receive([{ id: id + 1, text: "from the past" }]);
    old?.finish(new Error("again"));
    old?.drain();
    expect(bench.ended).toEqual(["a: unavailable sent"]);
    expect(bench.lane.up).toBe(true);
  });
});

describe("close", () => {
  test("ends the stream, all calls and all timers; later calls fail", () => {
    const bench = upBench({ inFlightMax: 1 });
    bench.send("a", "b");
    bench.lane.close();
    bench.lane.close();
    expect(bench.stream.cancelled).toBe(true);
    expect(bench.ended).toEqual(["a: cancelled sent", "b: cancelled unsent"]);
    expect(bench.clock.timers).toBe(0);
    bench.send("c");
    expect(bench.ended.at(-1)).toBe("c: cancelled unsent");
    expect(bench.ups).toEqual([true, false]);
  });
});
