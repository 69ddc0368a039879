import type { ChooseFile } from "./distribution.js";
import { chooseKind, type Mix, type OperationKind } from "./mix.js";
import type { Draw } from "./seeded-random.js";
import { chooseSize, type SizeRange } from "./size-range.js";

export interface PlannedOperation {
  /** 0, 1, 2, ... */
  readonly sequence: number;
  readonly kind: OperationKind;
  /** Number of the file. */
  readonly file: number;
  /** Of the content, if one is written. */
  readonly sizeBytes: number;
  /** In [0, 1): for what is left to choose, as which node is asked. */
  readonly lot: number;
}

export interface PlanOptions {
  readonly mix: Mix;
  readonly chooseFile: ChooseFile;
  readonly size: SizeRange;
  readonly draw: Draw;
  /** Infinity if only time ends the run. */
  readonly operations: number;
}

/**
 * The operations of a run, one after the other. They depend on the seed only, never on time or on what came of earlier
 * ones: two runs with one seed ask for the same things in the same order.
 */
export class Plan {
  readonly #options: PlanOptions;
  #sequence = 0;

  constructor(options: PlanOptions) {
    this.#options = options;
  }

  /** Undefined after the last one. */
  next(): PlannedOperation | undefined {
    const { mix, chooseFile, size, draw, operations } = this.#options;
    if (this.#sequence >= operations) return undefined;
    const sequence = this.#sequence;
    this.#sequence += 1;
    // Always as many draws, so that another size or mix leaves the choice of files as it was.
    const [kindLot, sizeLot, lot] = [draw(), draw(), draw()];
    return {
      sequence,
      kind: chooseKind(mix, () => kindLot),
      file: chooseFile(draw),
      sizeBytes: chooseSize(size, () => sizeLot),
      lot,
    };
  }
}
