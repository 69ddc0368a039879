/**
 * Commits that are asked for while another one is being made durable wait together and become one transaction: so one
 * fsync serves all of them, and the busier the disk, the larger the groups. A commit that finds the disk idle waits for
 * the end of the event loop's turn, since whoever commits once often commits several times in a turn.
 *
 * All members of a group share one promise: they succeed or fail as one, and thousands of commits a second should not
 * cost thousands of promises.
 *
 * After a failure nobody knows what the disk holds (Rebello et al., USENIX ATC 2020), so the first one is final.
 */
import { QuorumError, type TableWrite } from "@quorumfs/core";

/** A group larger than this is closed, and a new one begun: it bounds what one transaction keeps in dirty pages. */
const groupBytesMax = 16 * 1024 * 1024;

interface Group {
  readonly writes: TableWrite[];
  bytes: number;
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: QuorumError) => void;
}

export class GroupCommit {
  readonly #apply: (writes: readonly TableWrite[]) => Promise<unknown>;
  readonly #endOfTurn: (action: () => void) => void;
  /** Oldest first; the first one is being applied if `#running`. */
  readonly #groups: Group[] = [];
  #running = false;
  #scheduled = false;
  #failure: QuorumError | undefined;
  readonly #idle: (() => void)[] = [];

  /** @param options.apply makes all writes durable, in order and in one piece. Only one call at a time. */
  constructor(options: {
    apply: (writes: readonly TableWrite[]) => Promise<unknown>;
    endOfTurn: (action: () => void) => void;
  }) {
    this.#apply = options.apply;
    this.#endOfTurn = options.endOfTurn;
  }

  commit(writes: readonly TableWrite[]): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    const group = this.#gathering();
    for (const write of writes) {
      group.writes.push(write);
      group.bytes += write.key.length + (write.value?.length ?? 0);
    }
    if (!this.#running && !this.#scheduled) {
      this.#scheduled = true;
      this.#endOfTurn(() => {
        this.#scheduled = false;
        this.#applyNext();
      });
    }
    return group.promise;
  }

  /** Refuses every later commit with `error`. What was asked for before still runs. */
  refuse(error: QuorumError): void {
    this.#failure ??= error;
  }

  /** Resolves when nothing is under way, be it done or failed. */
  async idle(): Promise<void> {
    if (this.#groups.length === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #gathering(): Group {
    const last = this.#groups.at(-1);
    const isBeingApplied = this.#running && this.#groups.length === 1;
    if (last && !isBeingApplied && last.bytes < groupBytesMax) return last;
    const group = newGroup();
    this.#groups.push(group);
    return group;
  }

  #applyNext(): void {
    const group = this.#groups[0];
    if (!group) {
      for (const resolve of this.#idle.splice(0)) resolve();
      return;
    }
    this.#running = true;
    this.#applyGroup(group).then(
      () => {
        this.#running = false;
        this.#groups.shift();
        group.resolve();
        this.#applyNext();
      },
      (cause: unknown) => this.#fail(cause),
    );
  }

  /** Turns what `apply` throws at once into a rejection, too. */
  async #applyGroup(group: Group): Promise<void> {
    if (group.writes.length > 0) await this.#apply(group.writes);
  }

  #fail(cause: unknown): void {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const error = new QuorumError({
      code: "unavailable",
      message: `the disk refused a write (${reason}); nothing more is acknowledged until the process starts anew`,
      cause,
    });
    this.#failure = error;
    this.#running = false;
    for (const group of this.#groups.splice(0)) group.reject(error);
    this.#applyNext();
  }
}

function newGroup(): Group {
  const { promise, resolve, reject } = withResolvers();
  return { writes: [], bytes: 0, promise, resolve, reject };
}

function withResolvers(): Pick<Group, "promise" | "resolve" | "reject"> {
  let resolve: () => void = () => undefined;
  let reject: (error: QuorumError) => void = () => undefined;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
