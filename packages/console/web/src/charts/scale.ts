/** Ends of axes that stay where they are while figures move a little. */

const steps = [1, 1.5, 2, 3, 4, 5, 6, 8, 10];

/** The next round figure at or above. */
export function roundUp(value: number): number {
  if (!(value > 0)) return 1;
  const decade = 10 ** Math.floor(Math.log10(value));
  const step = steps.find((factor) => factor * decade >= value * 0.999_999) ?? 10;
  return step * decade;
}

/** The next power of two at or above, or one and a half of it: for bytes. */
export function roundUpBytes(value: number): number {
  const power = 2 ** Math.floor(Math.log2(Math.max(1, value)));
  return [1, 1.5, 2].map((factor) => factor * power).find((end) => end >= value) ?? 2 * power;
}

/** Distances of the marks on an axis of bytes. */
export const byteSteps: readonly number[] = Array.from({ length: 50 }, (_, exponent) => 2 ** exponent);

/** A power of ten, but for rounding. */
export function isDecade(value: number): boolean {
  const exponent = Math.log10(value);
  return Math.abs(exponent - Math.round(exponent)) < 1e-9;
}

/** Whole decades around all values, at least one: for logarithmic axes. */
export function decades(min: number, max: number): [number, number] {
  const low = 10 ** Math.floor(Math.log10(min));
  const high = 10 ** Math.ceil(Math.log10(max));
  return [low, high > low ? high : low * 10];
}
