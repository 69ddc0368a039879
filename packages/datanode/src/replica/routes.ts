import {
  type CallContext,
  type Clock,
  type Duplex,
  duplexRoute,
  type Log,
  type Route,
  unaryRoute,
} from "@quorumfs/core";
import {
  type ExchangeRequest,
  type ExchangeResponse,
  type RangeReadRequest,
  type RangeReadResponse,
  type ReplicaResponse as ResponseMessage,
  ReplicaServiceService,
  type ScanWindowRequest,
  type ScanWindowResponse,
} from "@quorumfs/proto";
import { serveLane, type ServedLane } from "@quorumfs/rpc";
import type { Tracer } from "@quorumfs/telemetry/lean";
import type { OperationLog } from "../follow/operation-log.js";
import type { LaneMeter } from "../observe/lane-meter.js";
import { callerOf, votingCaller } from "./caller.js";
import { dispatchVote, refuseVote } from "./exchange.js";
import type { LocalReplica } from "./local-replica.js";
import { checkRangeLayout } from "./range-layout.js";
import type { ReplicaContext } from "./replica-context.js";
import { rangePageToWire, rangeRequestFromWire } from "./wire.js";
import { windowRequestFromWire, windowToWire } from "./window-wire.js";

// About what a reply takes in a frame: id and tags; a value's numbers, etag and full ring.
const voteBytes = 32;
const stateBytes = 320;

export interface ReplicaRoutesOptions {
  readonly lanes: LaneMeter;
  readonly replica: LocalReplica;
  readonly context: ReplicaContext;
  readonly operations: OperationLog;
  readonly tracer: Tracer;
  readonly clock: Clock;
  readonly log: Log;
}

export interface ReplicaRoutes {
  readonly routes: readonly Route[];
  /** Answers what was asked and ends the streams of votes; without it they stay open until they are cut. Idempotent. */
  drain(): Promise<void>;
}

/** ReplicaService: Exchange, RangeRead, ScanWindow. */
export function replicaRoutes(options: ReplicaRoutesOptions): ReplicaRoutes {
  const service = new ReplicaService(options);
  return {
    routes: [
      duplexRoute(ReplicaServiceService.exchange, (stream, call) => service.exchange(stream, call)),
      unaryRoute(ReplicaServiceService.rangeRead, (request, call) => service.rangeRead(request, call)),
      unaryRoute(ReplicaServiceService.scanWindow, (request, call) => service.scanWindow(request, call)),
    ],
    drain: () => service.drain(),
  };
}

class ReplicaService {
  readonly #options: ReplicaRoutesOptions;
  readonly #lanes = new Set<ServedLane>();

  constructor(options: ReplicaRoutesOptions) {
    this.#options = options;
  }

  exchange(stream: Duplex<ExchangeResponse, ExchangeRequest>, call: CallContext): void {
    const { replica, context, operations, tracer, clock } = this.#options;
    const from = votingCaller(call, context);
    const log = this.#options.log.child({ from });
    const lane = serveLane(stream, {
      unpack: (frame: ExchangeRequest) => frame.requests,
      pack: (responses): ExchangeResponse => ({ responses }),
      bytesOf: responseBytes,
      dispatch: (message, reply) => dispatchVote({ replica, from, operations, tracer, clock, log, message, reply }),
      refuse: refuseVote,
      onFrame: this.#options.lanes.onFrame("answers"),
      clock,
      log,
    });
    this.#lanes.add(lane);
    call.signal.addEventListener("abort", () => this.#lanes.delete(lane), { once: true });
  }

  async rangeRead(message: RangeReadRequest, call: CallContext): Promise<RangeReadResponse> {
    const { replica, context } = this.#options;
    votingCaller(call, context);
    const request = rangeRequestFromWire(message);
    await checkRangeLayout(context, message.layout);
    const page = await replica.rangeRead(request);
    // What the page is made of may have been given up on the way.
    await checkRangeLayout(context, message.layout);
    return rangePageToWire(page);
  }

  async scanWindow(message: ScanWindowRequest, call: CallContext): Promise<ScanWindowResponse> {
    const { replica, context } = this.#options;
    callerOf(call, context);
    return windowToWire(await replica.window(windowRequestFromWire(message)));
  }

  async drain(): Promise<void> {
    await Promise.all([...this.#lanes].map((lane) => lane.drain()));
  }
}

function responseBytes(response: ResponseMessage): number {
  if (response.reply?.$case !== "state") return voteBytes;
  return voteBytes + stateBytes + (response.reply.value.value?.content?.value.length ?? 0);
}
