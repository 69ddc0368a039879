/**
 * Whether the disk can still be believed. After a failed fsync nobody knows what it holds (Rebello et al., USENIX ATC
 * 2020): trying again may succeed although the data is lost. So the first failure is final, for everything that is asked
 * for later and for what is under way.
 */
import { QuorumError } from "@quorumfs/core";
import { exhaustionOf } from "./system-error.js";

export class DiskTrust {
  #failure: QuorumError | undefined;

  /** @throws QuorumError `internal` once the disk has failed */
  check(): void {
    if (this.#failure) throw this.#failure;
  }

  /**
   * Something that makes data durable: any failure of it is final, a full disk too.
   *
   * @throws QuorumError `internal`
   */
  async sync(action: () => Promise<void>): Promise<void> {
    this.check();
    try {
      await action();
    } catch (cause) {
      throw this.#end(cause);
    }
    // Another one's failure is everybody's: what this one has been told may be wrong just as well.
    this.check();
  }

  /** What to tell the caller of an operation that failed before anything had to be durable. */
  refusalOf(error: unknown): QuorumError {
    return exhaustionOf(error) ?? this.#end(error);
  }

  #end(cause: unknown): QuorumError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.#failure ??= new QuorumError({
      code: "internal",
      message: `the disk refused a write (${reason}); nothing more is acknowledged until the process starts anew`,
      cause,
    });
    return this.#failure;
  }
}
