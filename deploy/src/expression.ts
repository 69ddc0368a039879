/** What a PromQL expression names. No parser: enough to tell that a metric or label is misspelt. Prometheus itself checks the rest. */

export interface Selector {
  readonly metric: string;
  /** Labels that it is chosen by. */
  readonly labels: readonly string[];
}

const strings = /"(?:[^"\\]|\\.)*"/g;

/** Names of metrics, with the labels in braces behind each. */
export function selectorsOf(expression: string): readonly Selector[] {
  const found = expression
    .replaceAll(strings, '""')
    .matchAll(/\b(?<metric>quorumfs_\w+|up|process_\w+|nodejs_\w+)\b(?:\{(?<matchers>[^}]*)\})?/g);
  return [...found].map(({ groups: { metric = "", matchers = "" } = {} }) => ({
    metric,
    labels: [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = ""]) => label),
  }));
}

/** Labels that results are grouped or matched by. */
export function groupingLabelsOf(expression: string): readonly string[] {
  const lists = expression.matchAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g);
  return [...lists]
    .flatMap(([, list = ""]) => list.split(",").map((label) => label.trim()))
    .filter((label) => label !== "");
}

/** The metric that a series belongs to: of a histogram there are `_bucket`, `_sum` and `_count`. */
export function familyOf(series: string, histograms: ReadonlySet<string>): string {
  const family = series.replace(/_(?:bucket|sum|count)$/, "");
  return histograms.has(family) ? family : series;
}
