import type { Condition, Intent, MutationOutcome, ReadingOutcome, Value } from "@quorumfs/core";
import type {
  DeleteOperation,
  MutationOutcome as SeenMutation,
  Operation,
  OperationCondition,
  ReadOutcome as SeenRead,
} from "@quorumfs/workload-generator";
import type { Coverage } from "./coverage.js";
import type { EventQueue } from "./event-queue.js";
import { bytesOf, formatId } from "./format.js";
import type { Network } from "./network.js";
import type { PlannedClient, PlannedOperation } from "./plan.js";
import type { SimulatedCoordinator, Trace } from "./simulated-coordinator.js";
import { Violation } from "./violation.js";

export interface SimulatedClientOptions {
  readonly name: string;
  /** Of the client in the network. */
  readonly index: number;
  readonly coordinators: readonly SimulatedCoordinator[];
  readonly network: Network;
  readonly queue: EventQueue;
  readonly coverage: Coverage;
  readonly trace: Trace | undefined;
  readonly record: (operation: Operation) => void;
}

const file = "file";

/** How an attempt ended, as the client sees it. */
type Answer<Outcome> =
  | { readonly kind: "answered"; readonly outcome: Outcome }
  /** It cannot have had an effect: it never left. */
  | { readonly kind: "unsent" }
  /** Nobody knows what it did. */
  | { readonly kind: "lost" };

/** A client with the retries of the SDK: the same request id, another coordinator, and the truth about earlier attempts. */
export class SimulatedClient {
  readonly #options: SimulatedClientOptions;
  /** What it last heard of the file; may be old by now. */
  #known: { readonly version: number; readonly etag: Uint8Array } | undefined;
  #highestVersion = 0;
  #count = 0;
  isDone = false;

  constructor(options: SimulatedClientOptions) {
    this.#options = options;
  }

  run(plan: PlannedClient): void {
    this.isDone = false;
    this.#next(plan.operations, 0);
  }

  #next(operations: readonly PlannedOperation[], index: number): void {
    const operation = operations[index];
    if (!operation) {
      this.isDone = true;
      return;
    }
    this.#options.queue.after(operation.restMs, () => {
      const then = () => this.#next(operations, index + 1);
      if (operation.kind === "read" || operation.kind === "stat") this.#read(operation, then);
      else this.#mutate(operation, then);
    });
  }

  #read(plan: PlannedOperation, then: () => void): void {
    const { queue, record, name } = this.#options;
    const startedAt = queue.nowMs;
    const withContent = plan.kind === "read";
    this.#trace(() => `${name} starts ${plan.kind}`);
    const end = (outcome: SeenRead) => {
      this.#report(plan, outcome.kind);
      record({ kind: "read", file, client: name, startedAt, endedAt: queue.nowMs, outcome });
      then();
    };
    const attempt = (number: number): void => {
      const coordinator = plan.coordinators[number];
      if (coordinator === undefined) {
        end({ kind: "failed" });
        return;
      }
      this.#ask<ReadingOutcome>({
        coordinator,
        timeoutMs: plan.timeoutMs,
        deadlineMs: plan.deadlineMs,
        call: (target, deadlineMs, reply, gone) => target.read({ withContent, deadlineMs }, reply, gone),
        done: (answer) => {
          const outcome = answer.kind === "answered" ? answer.outcome : undefined;
          if (outcome?.kind === "not_found") end({ kind: "absent" });
          else if (outcome?.kind === "found") {
            if (withContent) checkContent(outcome.value);
            this.#learn(outcome.value);
            end({ kind: "found", value: formatId(outcome.value.etag), version: outcome.value.version.counter });
          } else attempt(number + 1);
        },
      });
    };
    attempt(0);
  }

  #mutate(plan: PlannedOperation, then: () => void): void {
    const { queue, record, name, coverage } = this.#options;
    const startedAt = queue.nowMs;
    const id = `${name}.${this.#count}`;
    this.#count += 1;
    const { condition, seen } = this.#condition(plan);
    let seenVersion = plan.tellsSeenVersion ? this.#highestVersion : 0;
    let mayHaveRun = false;
    this.#trace(() => `${id} starts ${plan.kind} if ${condition.kind}`);

    const end = (outcome: SeenMutation) => {
      this.#report(plan, outcome.kind);
      this.#trace(() => `${id} ends ${outcome.kind}`);
      record(recordOf({ plan, id, client: name, startedAt, endedAt: queue.nowMs, condition: seen, outcome }));
      then();
    };
    const attempt = (number: number): void => {
      const coordinator = plan.coordinators[number];
      if (coordinator === undefined) {
        end(mayHaveRun ? { kind: "unknown" } : { kind: "failed" });
        return;
      }
      if (number > 0) coverage.count(mayHaveRun ? "retry that may have run" : "retry of what cannot have run");
      const told = { requestId: bytesOf(id), mayHaveRun, mayBeRepeated: true, seenVersion };
      const request = { intent: intentOf(plan, id), condition, ...told };
      this.#ask<MutationOutcome>({
        coordinator,
        timeoutMs: plan.timeoutMs,
        deadlineMs: plan.deadlineMs,
        call: (target, deadlineMs, reply, gone) => target.mutate({ ...request, deadlineMs }, reply, gone),
        done: (answer) => {
          if (answer.kind === "lost") mayHaveRun = true;
          const outcome = answer.kind === "answered" ? answer.outcome : undefined;
          switch (outcome?.kind) {
            case "applied":
              this.#learn(outcome.value);
              end({ kind: "done", version: outcome.version });
              return;
            case "condition_failed": {
              const current = outcome.current?.kind === "live" ? outcome.current : undefined;
              if (current) this.#learn(current);
              if (outcome.before) end({ kind: "condition_failed" });
              else end({ kind: "condition_failed", currentVersion: current?.version.counter ?? 0 });
              return;
            }
            case "unknown":
              mayHaveRun = true;
              break;
            case "stale_layout":
              mayHaveRun ||= outcome.mayHaveRun;
              break;
            case "unproven":
              if (mayHaveRun) break;
              coverage.count("attempt repeated with a version that proves more");
              seenVersion = outcome.version;
              attempt(number);
              return;
            case undefined:
            case "contended":
            case "quorum_unavailable":
              break;
          }
          attempt(number + 1);
        },
      });
    };
    attempt(0);
  }

  /** One attempt: over when the answer is there, the connection breaks, or the client has waited long enough. */
  #ask<Outcome>(options: {
    readonly coordinator: number;
    readonly timeoutMs: number;
    readonly deadlineMs: number;
    readonly call: (
      target: SimulatedCoordinator,
      deadlineMs: number,
      reply: (outcome: Outcome) => void,
      gone: () => void,
    ) => void;
    readonly done: (answer: Answer<Outcome>) => void;
  }): void {
    const { network, queue, coordinators, index } = this.#options;
    const target = coordinators[options.coordinator];
    let over = false;
    const finish = (answer: Answer<Outcome>) => {
      if (over) return;
      over = true;
      options.done(answer);
    };
    if (!target?.isUp) {
      queue.after(1, () => finish({ kind: "unsent" }));
      return;
    }
    const lost = () => finish({ kind: "lost" });
    const { index: to } = target;
    let arrived = false;
    network.send({
      from: index,
      to,
      lost,
      deliver: () => {
        // A connection delivers a request once, and not at all after the caller has cancelled it.
        if (arrived || over) return;
        arrived = true;
        const reply = (outcome: Outcome) => {
          network.send({ from: to, to: index, lost, deliver: () => finish({ kind: "answered", outcome }) });
        };
        options.call(target, queue.nowMs + options.deadlineMs, reply, () => queue.after(1, lost));
      },
    });
    queue.after(options.timeoutMs * 1.05, lost);
  }

  #condition(plan: PlannedOperation): { condition: Condition; seen: OperationCondition | undefined } {
    switch (plan.condition) {
      case "none":
        return { condition: { kind: plan.kind === "delete" ? "exists" : "none" }, seen: undefined };
      case "absent":
        return { condition: { kind: "absent" }, seen: { kind: "absent" } };
      case "version": {
        const counter = this.#known?.version ?? 1;
        return { condition: { kind: "version", counter }, seen: { kind: "version", version: counter } };
      }
      case "etag": {
        const etag = this.#known?.etag ?? bytesOf("?");
        return { condition: { kind: "etag", etag }, seen: { kind: "value", value: formatId(etag) } };
      }
    }
  }

  #learn(value: Value): void {
    if (value.kind === "live") this.#known = { version: value.version.counter, etag: value.etag };
    this.#highestVersion = Math.max(this.#highestVersion, value.version.counter);
  }

  #report(plan: PlannedOperation, outcome: string): void {
    const condition = plan.condition === "none" ? "" : ` if ${plan.condition}`;
    this.#options.coverage.count(`${plan.kind}${condition}: ${outcome.replaceAll("_", " ")}`);
  }

  #trace(line: () => string): void {
    this.#options.trace?.(line);
  }
}

/** A simulated file's content and its etag are both the name of the mutation that wrote it. */
function intentOf(plan: PlannedOperation, id: string): Exclude<Intent, { kind: "identity" }> {
  if (plan.kind === "delete") return { kind: "delete" };
  const bytes = bytesOf(id);
  return { kind: "put", size: bytes.length, etag: bytes, content: { kind: "inline", bytes }, attributes: noAttributes };
}

const noAttributes: ReadonlyMap<string, string> = new Map();

function checkContent({ content, etag, version }: Value): void {
  if (content.kind === "inline" && formatId(content.bytes) === formatId(etag)) return;
  throw new Violation(`a read of version ${version.counter} came back with ${content.kind} content`);
}

function recordOf(options: {
  readonly plan: PlannedOperation;
  readonly id: string;
  readonly client: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly condition: OperationCondition | undefined;
  readonly outcome: SeenMutation;
}): Operation {
  const { plan, id, client, startedAt, endedAt, condition, outcome } = options;
  const common = { file, client, startedAt, endedAt, outcome };
  if (plan.kind === "put") return { ...common, kind: "write", value: id, ...(condition && { condition }) };
  return { ...common, kind: "delete", ...(isForDelete(condition) && { condition }) };
}

function isForDelete(
  condition: OperationCondition | undefined,
): condition is NonNullable<DeleteOperation["condition"]> {
  return condition !== undefined && condition.kind !== "absent";
}
