import { mix32 } from "@quorumfs/core";

/** Numbers in [0, 1) that depend on the seed only. */
export type Draw = () => number;

/** SplitMix32: two draws of it make one fraction of 53 bits, so that a million files are chosen evenly. */
export function seededDraw(seed: number): Draw {
  // Neighbouring seeds, as of the processes of one run, must not give shifted copies of one sequence.
  let state = mix32(seed >>> 0) ^ mix32(Math.floor(seed / 2 ** 32) + 0x5bd1e995);
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    return mix32(state);
  };
  return () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
}
