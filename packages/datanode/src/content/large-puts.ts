/**
 * Puts of files of chunks: first made sure of, then voted on.
 *
 * A retry of a put that has taken effect already may find its chunks gone, since others have overwritten the file
 * meanwhile. So what the check says is no word on a mutation that may have run; its mark in the file is.
 */
import {
  type ChunkRange,
  type Clock,
  findMark,
  isRefusal,
  type Manifest,
  mayBeForgotten,
  QuorumError,
} from "@quorumfs/core";
import type {
  CancelOperation,
  Coordinator,
  Done,
  Mutated,
  MutateRequest,
  Settled,
} from "../coordinator/coordinator.js";
import { conditionError } from "../coordinator/outcome-errors.js";
import { finished } from "./current-file.js";
import type { UploadCheck, UploadVerdict } from "./upload-check.js";

export interface LargePutRequest extends MutateRequest {
  readonly intent: Extract<MutateRequest["intent"], { kind: "put" }>;
  readonly manifest: Manifest;
}

export interface LargePut extends Mutated {
  /** All chunks that the request names; undefined if they were not looked at, for an earlier attempt had been applied. */
  readonly ranges: readonly ChunkRange[] | undefined;
}

export class LargePuts {
  readonly #options: LargePutsOptions;

  constructor(options: LargePutsOptions) {
    this.#options = options;
  }

  put(request: LargePutRequest, done: Done<LargePut>): CancelOperation {
    const abort = new AbortController();
    this.#put(request, abort).then(
      (result) => done(undefined, result),
      (thrown: unknown) => done(QuorumError.from(thrown), undefined),
    );
    return () => abort.abort();
  }

  async #put(request: LargePutRequest, caller: AbortController): Promise<LargePut> {
    // The version carries the time from before its chunks' leases were started anew: replicas refuse it long before those
    // are over, however long this process was stopped in between.
    const modifiedAtMs = this.#options.clock.wallMs();
    const sinceMs = this.#options.clock.nowMs();
    let verdict: UploadVerdict;
    try {
      verdict = await this.#check(request, caller.signal);
      request.follower?.waited(this.#options.clock.nowMs() - sinceMs, "to make sure that its chunks are on W replicas");
    } catch (thrown) {
      const error = QuorumError.from(thrown);
      if (!request.mayHaveRun || error.code === "cancelled") throw error;
      return await this.#otherAttempt(request, error, caller.signal);
    }
    switch (verdict.kind) {
      case "durable":
        return { ...(await this.#mutate({ ...request, modifiedAtMs }, caller.signal)), ranges: verdict.ranges };
      case "overtaken":
        return { ...(await this.#mutate(request, caller.signal)), ranges: undefined };
      case "baseless":
        return await this.#otherAttempt(request, baseless(request, verdict.currentVersion), caller.signal);
    }
  }

  /** The check, which takes no longer than the request has time. */
  async #check(request: LargePutRequest, caller: AbortSignal): Promise<UploadVerdict> {
    const { clock, check } = this.#options;
    const { intent, deadlineMs } = request;
    const late = new AbortController();
    const cancel = clock.after(Math.max(0, deadlineMs - clock.nowMs()), () => late.abort());
    try {
      return await check.check({ ...request, size: intent.size }, AbortSignal.any([caller, late.signal]));
    } catch (thrown) {
      if (!late.signal.aborted) throw thrown;
      const message = "the replicas of its chunks did not all answer in time; try again";
      throw new QuorumError({ code: "unavailable", message, cause: thrown });
    } finally {
      cancel();
    }
  }

  #mutate(request: MutateRequest, signal: AbortSignal): Promise<Mutated> {
    return finished<Mutated>((done) => this.#options.coordinator.mutate(request, done), signal);
  }

  /**
   * What became of another attempt of a mutation that cannot be made now: an earlier one, or the one for which its client has
   * given this one up.
   *
   * @param error why it cannot be made, for which it is told if no attempt has run so far
   */
  async #otherAttempt(request: LargePutRequest, error: QuorumError, signal: AbortSignal): Promise<LargePut> {
    const { requestId, condition, bucket, path, seenVersion } = request;
    const settled = await finished<Settled>((done) => this.#options.coordinator.settle(request, done), signal);
    const { value } = settled;
    const mark = findMark(value, requestId);
    if (mark && isRefusal(mark)) {
      const file = `${bucket.name}/${path}`;
      throw conditionError({ intent: "put", condition, file, currentVersion: undefined });
    }
    if (mark && value) return { ...settled, value, version: mark.counter, replaced: undefined, ranges: undefined };
    // The condition cannot hold any more, and the vote leaves a mark that says so to all other attempts.
    if (condition.kind === "version" && value && value.version.counter > condition.counter) {
      return { ...(await this.#mutate(request, signal)), ranges: undefined };
    }
    const mayBeUnseen = request.mayHaveRun && mayBeForgotten({ value, floor: 0, lowest: seenVersion + 1 });
    if (mayBeUnseen) throw unknown(request, error);
    throw error;
  }
}

export interface LargePutsOptions {
  readonly coordinator: Pick<Coordinator, "mutate" | "settle">;
  readonly check: Pick<UploadCheck, "check">;
  readonly clock: Clock;
}

function baseless({ condition, bucket, path, mayHaveRun }: LargePutRequest, currentVersion: number): QuorumError {
  const file = `${bucket.name}/${path}`;
  if (!mayHaveRun) return conditionError({ intent: "put", condition, file, currentVersion });
  return new QuorumError({ code: "unavailable", message: `the version of ${file} that is built on was not found` });
}

function unknown({ bucket, path }: LargePutRequest, cause: QuorumError): QuorumError {
  return new QuorumError({
    code: "unknown_outcome",
    message:
      `an earlier attempt to put ${bucket.name}/${path} may have taken effect, too much has happened to the file since ` +
      `to tell; it cannot be made again: ${cause.message}`,
    cause,
  });
}
