/**
 * What observing costs: two clusters beside each other, one as users run it and scraped every 5 s, one that counts no
 * operations and serves no metrics. They are driven in turns of some seconds, in the order on off off on, so that a machine that
 * drifts does so for both; and begun anew a few times, since no two processes of the same program are equally fast.
 */
import { parseArgs } from "node:util";
import type { QuorumFs } from "@quorumfs/client";
import { seededDraw, UniqueContent } from "@quorumfs/workload-generator";
import { BenchCluster } from "../bench-cluster.js";
import { type LoadResult, measureLoad } from "../load.js";
import { describeMachine, type Machine } from "../machine.js";
import { writeResults } from "../results-file.js";
import { inParallel } from "../scenarios.js";
import { compare, type Comparison, type Pair } from "./comparison.js";
import { Scraper } from "./scraper.js";

const usage = `pnpm bench observe [options]

Overwrites and reads small files on a cluster that is observed (operations counted, events, metrics scraped every 5 s) and
on one that is not, in turns, and tells the ratio.

  --rounds N     pairs of clusters, one after the other (default 3)
  --turns N      pairs of turns in each, for each kind of operation (default 4)
  --seconds N    measured time of a turn (default 2.5)
  --in-flight N  operations under way at once (default 64)
  --name NAME    write bench/results/NAME.json (default: observe)
`;

const files = 1_000;
const contentBytes = 1024;
const warmUpMs = 700;
/** After their start programs get faster for a while. */
const firstWarmUpMs = 2_000;
/** Of the throughput. */
const costAim = 0.03;

type Arm = "on" | "off";
const arms = ["on", "off"] as const;
const kinds = ["overwrite", "read"] as const;
type Kind = (typeof kinds)[number];

interface Options {
  readonly rounds: number;
  readonly turns: number;
  readonly measureMs: number;
  readonly inFlight: number;
}

interface KindResult {
  readonly kind: Kind;
  /** Operations a second, observed to unobserved. */
  readonly throughput: Comparison;
  /** CPU time of the servers for each operation. */
  readonly serverCpu: Comparison | undefined;
  readonly perSecond: Readonly<Record<Arm, number>>;
  readonly serverMicroseconds: Readonly<Record<Arm, number>>;
}

interface ObserveResults {
  readonly benchmark: "observe";
  readonly startedAt: string;
  readonly machine: Machine;
  readonly options: Options;
  readonly kinds: readonly KindResult[];
  /** Pages of metrics that were read while the observed cluster was there, and the mean size of one. */
  readonly scrapes: { readonly pages: number; readonly meanBytes: number };
}

export async function benchObserve(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: "3" },
      turns: { type: "string", default: "4" },
      seconds: { type: "string", default: "2.5" },
      "in-flight": { type: "string", default: "64" },
      name: { type: "string", default: "observe" },
      help: { type: "boolean", default: false },
    },
  });
  const options: Options = {
    rounds: Number(values.rounds),
    turns: Number(values.turns),
    measureMs: Number(values.seconds) * 1000,
    inFlight: Number(values["in-flight"]),
  };
  const isWhole = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= 1000;
  const valid = [options.rounds, options.turns, options.inFlight].every(isWhole) && options.measureMs > 0;
  if (values.help || !valid) {
    process.stderr.write(usage);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const results = await run(options);
  process.stdout.write(`\n${results.kinds.flatMap(linesOf).join("\n")}\n`);
  await writeResults(values.name, results);
}

async function run(options: Options): Promise<ObserveResults> {
  const startedAt = new Date().toISOString();
  const machine = describeMachine();
  process.stdout.write(`${machine.cores} cores of ${machine.cpu}, ${machine.system}, Node ${machine.node}\n`);
  const turns: Turn[] = [];
  const scrapes = { pages: 0, bytes: 0 };
  for (let round = 1; round <= options.rounds; round += 1) {
    process.stdout.write(`round ${round} of ${options.rounds}\n`);
    turns.push(...(await runRound(options, scrapes)));
  }
  return {
    benchmark: "observe",
    startedAt,
    machine,
    options,
    kinds: kinds.map((kind) => resultOf(kind, turns)),
    scrapes: { pages: scrapes.pages, meanBytes: Math.round(scrapes.bytes / Math.max(1, scrapes.pages)) },
  };
}

/** Both arms, one after the other. */
interface Turn {
  readonly kind: Kind;
  readonly loads: Readonly<Record<Arm, LoadResult>>;
}

async function runRound(options: Options, scrapes: { pages: number; bytes: number }): Promise<readonly Turn[]> {
  await using on = await Subject.start([]);
  await using off = await Subject.start(["--metrics-port", "off", "--no-count-operations"]);
  const subjects = { on, off };
  await using scraper = new Scraper(await on.metricsAddresses());
  const turns: Turn[] = [];
  for (const kind of kinds) {
    for (const arm of arms) await subjects[arm].load(kind, { ...options, measureMs: 1 }, firstWarmUpMs);
    for (let turn = 0; turn < options.turns; turn += 1) {
      const order = turn % 2 === 0 ? arms : arms.toReversed();
      const loads: Partial<Record<Arm, LoadResult>> = {};
      for (const arm of order) loads[arm] = await subjects[arm].load(kind, options, warmUpMs);
      const { on: observed, off: unobserved } = loads;
      if (!observed || !unobserved) continue;
      turns.push({ kind, loads: { on: observed, off: unobserved } });
      const ratio = (observed.unitsPerSecond / unobserved.unitsPerSecond).toFixed(3);
      process.stdout.write(
        `  ${kind.padEnd(9)}  on ${count(observed.unitsPerSecond)}/s, off ${count(unobserved.unitsPerSecond)}/s: ${ratio}\n`,
      );
    }
  }
  scrapes.pages += scraper.pages;
  scrapes.bytes += scraper.bytes;
  return turns;
}

/** A cluster, and a client that overwrites and reads its files. */
class Subject implements AsyncDisposable {
  readonly #cluster: BenchCluster;
  readonly #client: QuorumFs;
  readonly #content = new UniqueContent({ draw: seededDraw(1), contentBytesMax: contentBytes });
  readonly #draw = seededDraw(2);
  #written = 0;

  private constructor(cluster: BenchCluster, client: QuorumFs) {
    this.#cluster = cluster;
    this.#client = client;
  }

  static async start(dataNodeArgs: readonly string[]): Promise<Subject> {
    const cluster = await BenchCluster.start({ dataNodeArgs });
    const subject = new Subject(cluster, await cluster.connect());
    await inParallel(files, (index) => subject.#put(index));
    return subject;
  }

  async metricsAddresses(): Promise<readonly string[]> {
    const { nodes } = await this.#client.status();
    return nodes.flatMap(({ metricsAddress }) => (metricsAddress === undefined ? [] : [metricsAddress]));
  }

  load(kind: Kind, { inFlight, measureMs }: Options, warmMs: number): Promise<LoadResult> {
    const perform = async (): Promise<unknown> => {
      const index = Math.floor(this.#draw() * files);
      return kind === "read" ? this.#client.get(`files/${index}`) : this.#put(index);
    };
    return measureLoad({
      inFlight,
      warmUpMs: warmMs,
      measureMs,
      pids: this.#cluster.servers.map(({ pid }) => pid),
      operation: async ({ count: done }) => {
        await perform();
        done(1);
      },
    });
  }

  async #put(index: number): Promise<void> {
    this.#written += 1;
    await this.#client.put(`files/${index}`, this.#content.make(`o.${this.#written.toString(36)}`, contentBytes));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
    await this.#cluster[Symbol.asyncDispose]();
  }
}

function resultOf(kind: Kind, all: readonly Turn[]): KindResult {
  const turns = all.filter((turn) => turn.kind === kind);
  const pairsOf = (read: (load: LoadResult) => number): readonly Pair[] =>
    turns.map(({ loads: { on, off } }) => ({ on: read(on), off: read(off) }));
  const speeds = pairsOf(({ unitsPerSecond }) => unitsPerSecond);
  const costs = pairsOf(({ serverMicroseconds }) => serverMicroseconds ?? NaN);
  return {
    kind,
    throughput: compare(speeds),
    serverCpu: costs.some(({ on, off }) => Number.isNaN(on + off)) ? undefined : compare(costs),
    perSecond: meansOf(speeds),
    serverMicroseconds: meansOf(costs),
  };
}

function meansOf(pairs: readonly Pair[]): Readonly<Record<Arm, number>> {
  const mean = (arm: Arm): number => pairs.reduce((sum, pair) => sum + pair[arm], 0) / pairs.length;
  return { on: mean("on"), off: mean("off") };
}

function linesOf({ kind, throughput, serverCpu, perSecond, serverMicroseconds }: KindResult): readonly string[] {
  const met = throughput.ratio >= 1 - costAim;
  const speed =
    `${met ? "met   " : "MISSED"}  ${kind}: observed ${count(perSecond.on)}/s, unobserved ${count(perSecond.off)}/s, ` +
    `ratio ${spreadOf(throughput)}; aim: at least ${1 - costAim}`;
  if (!serverCpu) return [speed];
  const { on, off } = serverMicroseconds;
  return [speed, `        CPU of all servers: ${on.toFixed(1)} to ${off.toFixed(1)} µs, ratio ${spreadOf(serverCpu)}`];
}

function spreadOf({ ratio, from, to, pairs }: Comparison): string {
  return `${ratio.toFixed(3)} (${from.toFixed(3)} to ${to.toFixed(3)} at 95 %, ${pairs} pairs)`;
}

function count(value: number): string {
  return value.toLocaleString("en", { maximumFractionDigits: 0 });
}
