/** Ends of axes that stay where they are while figures move a little. */

const steps = [1, 1.5, 2, 3, 4, 5, 6, 8, 10];

/** The next round figure at or above. */
export function roundUp(value: number): number {
  if (!(value > 0)) return 1;
  const decade = 10 ** Math.floor(Math.log10(value));
  const step = steps.find((factor) => factor * decade >= value * 0.999_999) ?? 10;
  return step * decade;
}

/** Whole decades around all values, at least one: for logarithmic axes. */
export function decades(min: number, max: number): [number, number] {
  const low = 10 ** Math.floor(Math.log10(min));
  const high = 10 ** Math.ceil(Math.log10(max));
  return [low, high > low ? high : low * 10];
}
