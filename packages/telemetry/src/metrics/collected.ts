/**
 * prom-client's metrics with our numbers: its registry, format and process metrics, without what its own counters cost on
 * every update.
 */
import * as prom from "prom-client";
import type { HistogramCounts } from "./histogram.js";
import type { Labels } from "./family.js";

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

export interface HistogramSample extends HistogramCounts {
  readonly labels: Labels;
}

export interface Shape {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly registry: prom.Registry;
}

function configurationOf({ name, help, labels, registry }: Shape) {
  return { name, help, labelNames: [...labels], registers: [registry] };
}

export class CollectedCounter extends prom.Counter {
  readonly #read: () => Iterable<Sample>;

  constructor(shape: Shape, read: () => Iterable<Sample>) {
    super(configurationOf(shape));
    this.#read = read;
  }

  override async get() {
    return { ...(await super.get()), values: [...this.#read()] };
  }
}

export class CollectedGauge extends prom.Gauge {
  readonly #read: () => Iterable<Sample>;

  constructor(shape: Shape, read: () => Iterable<Sample>) {
    super(configurationOf(shape));
    this.#read = read;
  }

  override async get() {
    return { ...(await super.get()), values: [...this.#read()] };
  }
}

export class CollectedHistogram extends prom.Histogram {
  readonly #head: { readonly name: string; readonly help: string; readonly type: "histogram" };
  readonly #bounds: readonly number[];
  readonly #read: () => Iterable<HistogramSample>;

  constructor(shape: Shape, bounds: readonly number[], read: () => Iterable<HistogramSample>) {
    super({ ...configurationOf(shape), buckets: [...bounds] });
    this.#head = { name: shape.name, help: shape.help, type: "histogram" };
    this.#bounds = bounds;
    this.#read = read;
  }

  /** What the registry asks a histogram for, in place of `get`. */
  async getForPromString() {
    const values = [...this.#read()].flatMap((sample) => this.#lines(sample));
    return { ...this.#head, values };
  }

  #lines({ labels, counts, sum }: HistogramSample) {
    let total = 0;
    const upTo = (bucket: number): number => (total += counts[bucket] ?? 0);
    const buckets = [...this.#bounds, "+Inf"].map((le, bucket) => ({
      metricName: `${this.#head.name}_bucket`,
      labels: { le, ...labels },
      value: upTo(bucket),
    }));
    return [
      ...buckets,
      { metricName: `${this.#head.name}_sum`, labels, value: sum },
      { metricName: `${this.#head.name}_count`, labels, value: total },
    ];
  }
}
