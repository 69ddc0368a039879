import {
  type CancelTimer,
  type Clock,
  type Effects,
  type Electorate,
  type NodeId,
  type RegisterOperation,
  type ReplicaReply,
  type ReplicaState,
  unreachable,
  withoutContent,
} from "@quorumfs/core";
import type { ReplicaTarget } from "../replica/messages.js";
import { contentMatches } from "./content-check.js";
import type { Follower } from "../follow/follower.js";
import type { Hedges } from "./hedges.js";
import { LateHint } from "./late-hint.js";
import type { Pauses } from "./pauses.js";
import { ReadWave } from "./read-wave.js";
import type { Vote, VoteLinks } from "./vote-links.js";
import type { VoteCounts } from "./vote-meter.js";

export interface RunOptions<Outcome> {
  readonly machine: RegisterOperation<Outcome>;
  readonly target: ReplicaTarget;
  /** For the replicas' logs; may be empty. */
  readonly requestId: Uint8Array;
  readonly links: VoteLinks;
  readonly clock: Clock;
  readonly pauses: Pauses;
  readonly hedges: Hedges;
  readonly voters: Electorate;
  /** Undefined: nobody follows. */
  readonly follower: Follower | undefined;
  readonly counts: VoteCounts;
  /** Called once, unless the run is dropped; perhaps before `start` has returned. */
  readonly onDone: (outcome: Outcome) => void;
}

/** Performs what one state machine of the core wants done, and feeds it what comes of that. */
export class OperationRun<Outcome> {
  readonly #options: RunOptions<Outcome>;
  #ended = false;
  /** Whether a vote has left that may change the file. */
  #accepting = false;
  /** How many effects are being performed at the moment, one within the other. */
  #depth = 0;
  /** Round trips so far. */
  #rounds = 0;
  #wave: ReadWave | undefined;
  /** The round of the last ACCEPT, and how many have voted for it. */
  #acceptRound = 0;
  #votes = 0;
  #lateHint: LateHint | undefined;
  /** What this node's own replica said, so that the others need not repeat it. */
  #own: ReplicaState | undefined;
  #cancelTimer: CancelTimer | undefined;

  constructor(options: RunOptions<Outcome>) {
    this.#options = options;
  }

  start(): void {
    this.#perform(this.#options.machine.start());
  }

  /** Ends the operation with what is known by now. */
  expire(): void {
    this.#perform(this.#options.machine.onDeadline());
  }

  /** Drops the operation without an outcome, if it has not had and cannot have an effect any more. */
  drop(): boolean {
    if (this.#accepting || this.#ended) return false;
    this.#end();
    return true;
  }

  #perform(effects: Effects<Outcome>): void {
    this.#depth += 1;
    for (const effect of effects) {
      // A replica in this process answers while the question is still being put to the others.
      if (this.#ended) break;
      switch (effect.kind) {
        case "send":
          this.#send(effect);
          break;
        case "timer":
          this.#arm(effect);
          break;
        case "done":
          this.#end();
          this.#options.onDone(effect.outcome);
          break;
        default:
          unreachable(effect);
      }
    }
    this.#depth -= 1;
    if (this.#depth === 0 && !this.#ended && this.#wave?.isSpent) this.#wave.release();
  }

  #send(effect: Extract<Effects<Outcome>[number], { kind: "send" }>): void {
    const { links, target, requestId, follower } = this.#options;
    const { round, to, request } = effect;
    if (follower && round > 0) follower.round(round, request);
    const vote: Vote = { target, request, requestId, span: follower?.span };
    if (round === 0) {
      if (request.kind === "erase") this.#post(to, vote);
      else this.#hint(to, vote);
      return;
    }
    if (round > this.#rounds) this.#rounds = round;
    if (request.kind === "read") {
      this.#sendRead(round, to, vote, request.withContent);
      return;
    }
    if (request.kind === "accept") {
      this.#accepting = true;
      this.#options.counts.proposed += 1;
      this.#acceptRound = round;
      this.#votes = 0;
    }
    // This node comes last: its answer may end the round at once.
    let here: NodeId | undefined;
    for (const node of to) {
      if (links.isLocal(node)) here = node;
      else this.#ask(round, node, vote);
    }
    if (here !== undefined) this.#ask(round, here, vote);
  }

  /** Tells the voters that the value is chosen: at once if readers depend on it, else only if not all have voted soon. */
  #hint(to: readonly NodeId[], vote: Vote): void {
    const { voters, hedges, pauses } = this.#options;
    const post = () => this.#post(to, vote);
    if (!voters.groups.every((group) => group.read >= group.write)) {
      post();
      return;
    }
    const missing = to.length - this.#votes;
    if (missing === 0) return;
    this.#lateHint = new LateHint(missing, post);
    hedges.add(this.#lateHint, pauses.lateMs);
  }

  #post(to: readonly NodeId[], vote: Vote): void {
    for (const node of to) this.#options.links.post(node, vote);
  }

  #sendRead(round: number, to: readonly NodeId[], vote: Vote, withContent: boolean): void {
    const { links, voters, hedges } = this.#options;
    const wave = this.#waveOf(round);
    // One replica is asked for the content; the others only if it cannot bring it.
    const atOnce = withContent ? 1 : Math.max(0, readersFirst(voters) - wave.asked);
    let asked = 0;
    for (const node of links.readiestFirst(to)) {
      if (this.#ended) return;
      if (asked < atOnce) wave.ask(node, vote);
      else wave.hold(node, vote);
      asked += 1;
    }
    if (wave.holds) hedges.add(wave, links.hedgeMs(to));
  }

  #waveOf(round: number): ReadWave {
    if (this.#wave?.round === round) return this.#wave;
    this.#wave?.end();
    const { counts, follower } = this.#options;
    this.#wave = new ReadWave({ round, counts, follower }, (node, vote) => {
      if (!this.#ended) this.#ask(round, node, vote);
    });
    return this.#wave;
  }

  #ask(round: number, node: NodeId, vote: Vote): void {
    if (vote.request.kind === "read" && !vote.request.withContent) vote.have ??= this.#own;
    const { links, counts, follower } = this.#options;
    counts.asked += 1;
    follower?.asked(round, node, vote.request);
    links.ask(node, vote, (reply, reason) => {
      counts.answered(reply);
      if (reply?.kind === "ok" && round === this.#acceptRound) this.#onVote();
      if (this.#ended) return;
      this.#options.follower?.answered({ round, node, request: vote.request }, reply, reason);
      this.#onAnswer(round, node, reply, reason);
    });
  }

  #onVote(): void {
    this.#votes += 1;
    this.#lateHint?.onVote();
  }

  #onAnswer(round: number, node: NodeId, reply: ReplicaReply | undefined, reason: string): void {
    const { machine, links, target } = this.#options;
    if (this.#wave?.round === round) this.#wave.onAnswer();
    if (!reply) {
      this.#perform(machine.onFailure(round, node, reason));
      return;
    }
    if (reply.kind === "state") {
      if (!contentMatches(reply)) {
        links.reportDamage(node, target);
        this.#perform(machine.onReply(round, node, { kind: "corrupt" }));
        return;
      }
      if (reply.value && links.isLocal(node)) this.#own = { ...reply, value: withoutContent(reply.value) };
    }
    this.#perform(machine.onReply(round, node, reply));
  }

  #arm(effect: Extract<Effects<Outcome>[number], { kind: "timer" }>): void {
    const { clock, pauses, machine, counts, follower } = this.#options;
    if (effect.purpose === "backoff") counts.backedOff += 1;
    const delayMs = effect.purpose === "patience" ? pauses.patienceMs : pauses.backOffMs(effect.attempt);
    // A machine waits for one timer at a time: the newest.
    this.#cancelTimer?.();
    this.#cancelTimer = clock.after(delayMs, () => {
      if (this.#ended) return;
      follower?.waited(delayMs, effect.purpose === "patience" ? "for those that are late" : "to let others finish");
      this.#perform(machine.onTimer(effect.timer));
    });
  }

  #end(): void {
    this.#ended = true;
    this.#options.counts.rounds.observe(this.#rounds);
    this.#cancelTimer?.();
    this.#wave?.end();
  }
}

/**
 * How many nodes a round of reading asks at first: R. While a partition moves, every quorum is needed twice, and everybody is
 * asked at once.
 */
function readersFirst(voters: Electorate): number {
  const [group, other] = voters.groups;
  return group && !other ? group.read : voters.members.length;
}
