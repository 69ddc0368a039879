/** History as uPlot takes it: a column of times and one of values for each line, with a gap where nothing is known. */
import type { AlignedData } from "uplot";
import type { LiveSample } from "../../../src/api.js";

/** Seconds apart by more than this have something missing in between, and no line is drawn across. */
const gapMs = 2_500;

export function toColumns(
  samples: readonly LiveSample[],
  lines: readonly ((sample: LiveSample) => number | null)[],
): AlignedData {
  const times: number[] = [];
  const columns: (number | null)[][] = lines.map(() => []);
  let previousMs: number | undefined;
  for (const sample of samples) {
    if (previousMs !== undefined && sample.atMs - previousMs > gapMs) {
      times.push((previousMs + 1) / 1000);
      for (const column of columns) column.push(null);
    }
    previousMs = sample.atMs;
    times.push(sample.atMs / 1000);
    for (const [index, line] of lines.entries()) columns[index]?.push(line(sample));
  }
  return [times, ...columns];
}
