/** A dashboard as people think of it; grafana.ts makes of it what Grafana wants. */

export interface Query {
  /** PromQL; `$__rate_interval` is Grafana's, `$node` and `$bucket` are what the reader has chosen. */
  readonly expr: string;
  /** Of each line: `{{node}}`. */
  readonly legend: string;
}

/** As Grafana names them. */
export type Unit = "bytes" | "Bps" | "ops" | "percentunit" | "s" | "short" | "dateTimeFromNow";

export interface Panel {
  readonly title: string;
  /** A sentence where the title does not say it all. */
  readonly description?: string;
  /** `lines` over time, one number now, a table of what is now, or how values are spread over time. */
  readonly kind: "lines" | "stacked" | "number" | "table" | "heatmap";
  readonly unit: Unit;
  readonly queries: readonly Query[];
  /** Of 24; default 8. */
  readonly width?: number;
  /** There may be nothing to show while all is well. */
  readonly quiet?: boolean;
  /** Numbers turn red from here on, or, with `below`, below here. */
  readonly bad?: { readonly from: number } | { readonly below: number };
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export interface Variable {
  readonly name: "node" | "bucket";
  /** Series that have this label. */
  readonly series: string;
}

export interface Dashboard {
  /** Also the name of its file. */
  readonly id: string;
  readonly title: string;
  readonly variables: readonly Variable[];
  readonly rows: readonly Row[];
}

/** Per second, over what Grafana finds fit for the span that is shown. */
export function rate(series: string): string {
  return `rate(${series}[$__rate_interval])`;
}

/** A percentile of a histogram, in each group. */
export function percentile(share: number, histogram: string, options: { by?: string; where?: string } = {}): string {
  const { by, where = "" } = options;
  const labels = by === undefined ? "le" : `le, ${by}`;
  return `histogram_quantile(${share}, sum by (${labels}) (${rate(`${histogram}_bucket${where}`)}))`;
}

/** The mean of a histogram, in each group. */
export function mean(histogram: string, options: { by: string; where?: string }): string {
  const { by, where = "" } = options;
  const sum = (part: string) => `sum by (${by}) (${rate(`${histogram}_${part}${where}`)})`;
  return `${sum("sum")} / ${sum("count")}`;
}
