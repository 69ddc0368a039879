/**
 * Goes through a bucket window by window. The first node of the plan looks at so many of its records, and says up to which
 * path that was; then the others tell of the same part, while the first one looks at the next. Where they differ, all
 * replicas tell all that they have there. A node that fails is left out from then on, and the window is asked for anew.
 */
import {
  bucketId,
  type CancelSignal,
  type Clock,
  comparePaths,
  type Layout,
  type NodeId,
  partitionOf,
  QuorumError,
} from "@quorumfs/core";
import {
  type Bucket,
  type FileColumns,
  type RangeEntry,
  ScanPart,
  type ScanWindowRequest,
  type ScanWindowResponse,
} from "@quorumfs/proto";
import type { DataNodes } from "./data-nodes.js";
import { type Copy, fileOf, type FoundFile } from "./file-state.js";
import type { StateQuery } from "./state-query.js";
import { differingPartitions } from "./tallies.js";
import { windowPlan, type WindowPlan } from "./window-plan.js";
import type { WindowSize } from "./window-size.js";

/** As many records as a node looks at in a window whose end is known already. */
const recordsMaxOfFollower = 65_536;

/** A layout that changes while a window is asked for makes that void; one that changes all the time must not hold it up. */
const attemptsMax = 3;

/** A version that is younger may be on its way to some replicas just now; a write has long ended, one way or another, by then. */
const youngMs = 60_000;

/** A part of a bucket, with what its replicas say. */
export interface ComparedWindow {
  readonly plan: WindowPlan;
  /** Partitions of which the replicas differ: rows and counts of them do not count. */
  readonly differing: ReadonlySet<number>;
  readonly told: readonly {
    readonly node: NodeId;
    readonly tallies: Uint8Array;
    readonly rows: FileColumns | undefined;
  }[];
  /** The files of these partitions, in any order, unfiltered. */
  readonly found: readonly FoundFile[];
  /** Whether the bucket's end, or the prefix's, was reached. */
  readonly isLast: boolean;
}

export interface WindowsOptions {
  readonly bucket: Bucket;
  readonly query: StateQuery;
  /** Only paths behind this one. */
  readonly after: string;
  readonly dataNodes: DataNodes;
  readonly clock: Clock;
  readonly signal: CancelSignal;
  readonly layout: () => Layout;
  /** Whether a node is there to answer at all. */
  readonly canAsk: (node: NodeId) => boolean;
  /** Are not asked; those that do not answer are added. */
  readonly unreachable: Set<NodeId>;
  readonly size: WindowSize;
  readonly filesLeft: () => number;
  readonly turn: number;
}

interface Answer {
  readonly node: NodeId;
  readonly response: ScanWindowResponse;
}

/** A question that the first node of a plan has been asked. */
interface Lead {
  readonly plan: WindowPlan;
  readonly response: Promise<ScanWindowResponse | undefined>;
}

interface Part {
  readonly after: string;
  /** Empty: as far as the first node gets. */
  readonly until: string;
}

export class Windows {
  readonly #options: WindowsOptions;
  #plan: WindowPlan | undefined;
  #ahead: Lead | undefined;

  constructor(options: WindowsOptions) {
    this.#options = options;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ComparedWindow> {
    let part: Part = { after: this.#options.after, until: "" };
    for (let attempt = 1; ;) {
      const outcome = await this.#ask(part, attempt < attemptsMax);
      switch (outcome.kind) {
        case "void":
          attempt += 1;
          break;
        case "cut":
          part = { after: part.after, until: outcome.until };
          break;
        case "compared":
          yield outcome.window;
          if (outcome.window.isLast) return;
          part = { after: outcome.until, until: "" };
          attempt = 1;
      }
    }
  }

  /** @returns `void` if the answers do not fit together, `cut` if somebody did not get so far */
  async #ask(
    part: Part,
    mayRepeat: boolean,
  ): Promise<
    | { readonly kind: "void" }
    | { readonly kind: "cut"; readonly until: string }
    | { readonly kind: "compared"; readonly window: ComparedWindow; readonly until: string }
  > {
    const { layout } = this.#options;
    const plan = this.#currentPlan();
    const [leader, ...others] = plan.parts.keys();
    if (leader === undefined) return { kind: "compared", window: nothing(plan), until: "" };
    const first = await this.#lead(plan, leader, part);
    if (!first) return this.#without(leader);
    const until = first.truncated ? first.lastPath : part.until;
    if (first.truncated && part.until === "") this.#goAhead(plan, leader, until);

    const followers = await this.#askAll(others, (node) =>
      this.#request({ after: part.after, until }, plan.parts.get(node)),
    );
    if (!followers) return { kind: "void" };
    const answers: readonly Answer[] = [{ node: leader, response: first }, ...followers];
    const cut = firstCut(followers, until);
    if (cut !== undefined) return this.#cut(cut);
    const told = answers.map(({ node, response: { tallies, rows } }) => ({ node, tallies, rows }));
    const differing = differingPartitions(plan, told);
    const found = await this.#compare(plan, { after: part.after, until }, differing);
    if (found === undefined) return { kind: "void" };
    if (typeof found === "string") return this.#cut(found);
    if (mayRepeat && layout() !== plan.layout) return this.#void();
    return { kind: "compared", window: { plan, differing, told, found, isLast: until === "" }, until };
  }

  /** Every copy of the files of partitions that differ. @returns undefined if a node failed; a path if one got only so far */
  async #compare(
    plan: WindowPlan,
    part: Part,
    differing: ReadonlySet<number>,
  ): Promise<readonly FoundFile[] | string | undefined> {
    if (differing.size === 0) return [];
    const first = await this.#copies(plan, part, differing);
    if (first === undefined || typeof first === "string") return first;
    const files = [...first].flatMap(([path, copies]) => fileOf(path, copies) ?? []);
    if (!files.some((file) => this.#mayBeOnItsWay(plan, file))) return files;
    // A second look tells what is missing from what was just being written at the first one.
    const second = await this.#copies(plan, part, differing);
    if (second === undefined || typeof second === "string") return second;
    return files.flatMap(({ path, version }) => fileOf(path, second.get(path) ?? [], version) ?? []);
  }

  #mayBeOnItsWay({ views }: WindowPlan, { path, holders, modifiedAtMs }: FoundFile): boolean {
    const { bucket, clock } = this.#options;
    if (modifiedAtMs < clock.wallMs() - youngMs) return false;
    const view = views[partitionOf(bucketId(bucket.id), path, views.length)];
    return view !== undefined && holders.length < view.asked.length;
  }

  /** By path. */
  async #copies(
    plan: WindowPlan,
    part: Part,
    differing: ReadonlySet<number>,
  ): Promise<ReadonlyMap<string, readonly Copy[]> | string | undefined> {
    const parts = new Map<NodeId, Uint8Array>();
    for (const partition of differing) {
      for (const node of plan.views[partition]?.asked ?? []) {
        const told = parts.get(node) ?? new Uint8Array(plan.views.length);
        told[partition] = ScanPart.SCAN_PART_COPIES;
        parts.set(node, told);
      }
    }
    const answers = await this.#askAll([...parts.keys()], (node) => this.#request(part, parts.get(node)));
    if (!answers) return undefined;
    const cut = firstCut(answers, part.until);
    if (cut !== undefined) return cut;
    const byPath = new Map<string, Copy[]>();
    for (const { node, response } of answers) {
      for (const entry of response.copies) addTo(byPath, node, entry);
    }
    return byPath;
  }

  #lead(plan: WindowPlan, leader: NodeId, part: Part): Promise<ScanWindowResponse | undefined> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead?.plan === plan && part.until === "") return ahead.response;
    return this.#askLeader(plan, leader, part);
  }

  /** Asks for the next window already, unless the files of this one may be enough. */
  #goAhead(plan: WindowPlan, leader: NodeId, after: string): void {
    if (this.#options.filesLeft() !== Infinity) return;
    this.#ahead = { plan, response: this.#askLeader(plan, leader, { after, until: "" }) };
  }

  #askLeader(plan: WindowPlan, leader: NodeId, part: Part): Promise<ScanWindowResponse | undefined> {
    const { dataNodes, size, filesLeft, signal } = this.#options;
    // So many records of each are rows of one window, to be merged in one turn of the event loop.
    const share = Math.max(1, plan.sources);
    const limit = part.until === "" ? Math.ceil(size.next(filesLeft()) / share) : recordsMaxOfFollower;
    return dataNodes.window(leader, { ...this.#request(part, plan.parts.get(leader)), limit }, signal);
  }

  async #askAll(
    nodes: readonly NodeId[],
    requestOf: (node: NodeId) => ScanWindowRequest,
  ): Promise<readonly Answer[] | undefined> {
    const { dataNodes, signal } = this.#options;
    const answers: Answer[] = [];
    await Promise.all(
      nodes.map(async (node) => {
        const response = await dataNodes.window(node, requestOf(node), signal);
        if (response) answers.push({ node, response });
        else this.#without(node);
      }),
    );
    return answers.length === nodes.length ? answers : undefined;
  }

  #request(part: Part, parts: Uint8Array | undefined): ScanWindowRequest {
    const { bucket, query } = this.#options;
    return {
      bucket: bucket.id,
      prefix: query.prefix,
      after: part.after,
      until: part.until,
      limit: recordsMaxOfFollower,
      parts: parts ?? new Uint8Array(0),
      sizeMin: query.sizeMin,
      sizeMax: query.sizeMax === Infinity ? undefined : query.sizeMax,
    };
  }

  #currentPlan(): WindowPlan {
    const { layout, unreachable, query, turn, signal } = this.#options;
    if (signal.aborted) throw new QuorumError({ code: "cancelled", message: "the caller has gone" });
    const now = layout();
    if (this.#plan?.layout !== now) {
      const canAsk = (node: NodeId): boolean => this.#options.canAsk(node) && !unreachable.has(node);
      this.#plan = windowPlan({ layout: now, canAsk, query, turn });
    }
    return this.#plan;
  }

  #without(node: NodeId): { readonly kind: "void" } {
    // Whoever has gone himself has not found out about anybody.
    if (!this.#options.signal.aborted) this.#options.unreachable.add(node);
    return this.#void();
  }

  #void(): { readonly kind: "void" } {
    this.#plan = undefined;
    this.#ahead = undefined;
    return { kind: "void" };
  }

  #cut(until: string): { readonly kind: "cut"; readonly until: string } {
    this.#ahead = undefined;
    return { kind: "cut", until };
  }
}

function nothing(plan: WindowPlan): ComparedWindow {
  return { plan, differing: new Set(), told: [], found: [], isLast: true };
}

/** Up to where everybody has told everything; undefined if that is the window's end. */
function firstCut(answers: readonly Answer[], until: string): string | undefined {
  let cut: string | undefined;
  for (const { response } of answers) {
    const { truncated, lastPath } = response;
    if (!truncated || lastPath === until) continue;
    if (cut === undefined || comparePaths(lastPath, cut) < 0) cut = lastPath;
  }
  return cut;
}

function addTo(byPath: Map<string, Copy[]>, node: NodeId, entry: RangeEntry): void {
  const copies = byPath.get(entry.path);
  if (copies) copies.push({ node, entry });
  else byPath.set(entry.path, [{ node, entry }]);
}
