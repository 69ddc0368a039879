import { assert, type Log, QuorumError } from "@quorumfs/core";
import * as prom from "prom-client";
import {
  CollectedCounter,
  CollectedGauge,
  CollectedHistogram,
  type HistogramSample,
  type Sample,
  type Shape,
} from "./collected.js";
import { Counter } from "./counter.js";
import { Family } from "./family.js";
import { Histogram } from "./histogram.js";

export type MetricType = "counter" | "gauge" | "histogram";

/** A metric as documents and dashboards know it. */
export interface MetricDescription {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly labels: readonly string[];
}

export interface MetricOptions<Name extends string> {
  /** `quorumfs_<process>_<what>_<unit>`, in base units (seconds, bytes); of counters with `_total` at the end. */
  readonly name: string;
  /** A sentence. */
  readonly help: string;
  /** Names of labels, each with a bounded set of values. */
  readonly labels?: readonly Name[];
}

export interface ReadOptions<Name extends string> extends MetricOptions<Name> {
  /** `counter` for what only grows but is counted elsewhere. Default `gauge`. */
  readonly type?: "gauge" | "counter";
  /** Called at each scrape; `undefined`: not known just now. */
  readonly read: () => number | undefined | Iterable<Sample>;
}

export interface HistogramOptions<Name extends string> extends MetricOptions<Name> {
  /** Highest value of each bucket, ascending; one more takes the rest. */
  readonly bounds: readonly number[];
}

export interface ReadHistogramOptions<Name extends string> extends HistogramOptions<Name> {
  /** Called at each scrape. `counts` has one more than `bounds`, and they are not added up. */
  readonly read: () => Iterable<HistogramSample>;
}

export type CounterFamily<Name extends string = never> = Family<Name, Counter>;
export type HistogramFamily<Name extends string = never> = Family<Name, Histogram>;

const namePattern = /^[a-z][a-z0-9]*(_[a-z0-9]+)+$/;

/**
 * The metrics of one process: declared once, counted by plain additions, written out when somebody asks. Several live beside
 * each other in one thread, as in a simulator; nothing is global.
 */
export class Metrics {
  readonly #registry = new prom.Registry();
  readonly #descriptions: MetricDescription[] = [];
  readonly #log: Log | undefined;
  #writing: Promise<string> | undefined;

  /** @param options `log` is told when a metric cannot be read: its lines are left out then, and the rest is served. */
  constructor(options: { readonly log?: Log } = {}) {
    this.#log = options.log;
  }

  counter<Name extends string = never>(options: MetricOptions<Name>): CounterFamily<Name> {
    const family = new Family<Name, Counter>(options.labels ?? [], () => new Counter());
    const read = () => Array.from(family.entries(), ({ labels, child }) => ({ labels, value: child.value }));
    new CollectedCounter(this.#declare("counter", options), read);
    return family;
  }

  histogram<Name extends string = never>(options: ReadHistogramOptions<Name>): void;
  histogram<Name extends string = never>(options: HistogramOptions<Name>): HistogramFamily<Name>;
  histogram<Name extends string = never>(
    options: HistogramOptions<Name> & Partial<ReadHistogramOptions<Name>>,
  ): HistogramFamily<Name> {
    const { bounds, name } = options;
    const ascending = bounds.every((bound, index) => index === 0 || bound > (bounds[index - 1] ?? Infinity));
    assert(bounds.length > 0 && ascending, `the bounds of ${name} do not ascend`);
    const family = new Family<Name, Histogram>(options.labels ?? [], () => new Histogram(bounds));
    const own = () =>
      Array.from(family.entries(), ({ labels, child }) => ({ labels, counts: child.counts, sum: child.sum }));
    const read = this.#guarded(name, options.read ?? own);
    new CollectedHistogram(this.#declare("histogram", options), bounds, read);
    return family;
  }

  /** What is a number elsewhere, and read at each scrape. */
  gauge<Name extends string = never>(options: ReadOptions<Name>): void {
    const { type = "gauge" } = options;
    const read = this.#guarded(options.name, () => samplesOf(options.read()));
    const shape = this.#declare(type, options);
    if (type === "counter") new CollectedCounter(shape, read);
    else new CollectedGauge(shape, read);
  }

  /** In Prometheus' text format. Who asks while it is being written gets the same. */
  text(): Promise<string> {
    this.#writing ??= this.#registry.metrics().finally(() => (this.#writing = undefined));
    return this.#writing;
  }

  /** What is declared, in the order of declaration. */
  list(): readonly MetricDescription[] {
    return this.#descriptions;
  }

  #declare(type: MetricType, { name, help, labels = [] }: MetricOptions<string>): Shape {
    assert(namePattern.test(name), `${name} is no name for a metric`);
    assert(name.endsWith("_total") === (type === "counter"), `counters, and only they, end with _total: ${name}`);
    assert(help.endsWith("."), `the help of ${name} is no sentence`);
    assert(
      this.#descriptions.every((known) => known.name !== name),
      `${name} is declared twice`,
    );
    this.#descriptions.push({ name, type, help, labels });
    return { name, help, labels, registry: this.#registry };
  }

  #guarded<Read>(name: string, read: () => Iterable<Read>): () => Iterable<Read> {
    return () => {
      try {
        return [...read()];
      } catch (thrown) {
        this.#log?.warn("metrics.unreadable", { metric: name, error: QuorumError.from(thrown) });
        return [];
      }
    };
  }
}

function samplesOf(read: number | undefined | Iterable<Sample>): Iterable<Sample> {
  if (read === undefined) return [];
  return typeof read === "number" ? [{ labels: {}, value: read }] : read;
}

/** Several registries as one page, in their order: what a process has, then what one life of its service has. */
export async function metricsText(all: readonly Metrics[]): Promise<string> {
  const texts = await Promise.all(all.map((metrics) => metrics.text()));
  return texts.join("\n");
}
