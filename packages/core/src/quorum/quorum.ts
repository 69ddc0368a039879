import { QuorumError } from "../errors.js";

/** How many of a file's replicas must answer a read, and how many must store a write. */
export interface QuorumSettings {
  /** N: replicas of a file. */
  readonly replicas: number;
  /** R: answers that a read or a prepare needs. */
  readonly read: number;
  /** W: votes that make a write chosen. */
  readonly write: number;
}

/** More replicas than this cost more than they protect; it also bounds what a vote keeps in memory. */
export const replicasMax = 15;

/** Fills in what was left out: majorities, or beside a given R or W the smallest number that overlaps with it. */
export function completeQuorum(settings: { replicas: number; read?: number; write?: number }): QuorumSettings {
  const { replicas } = settings;
  const majority = Math.floor(replicas / 2) + 1;
  const read = settings.read ?? (settings.write === undefined ? majority : replicas - settings.write + 1);
  const write = settings.write ?? (settings.read === undefined ? majority : replicas - settings.read + 1);
  return checkQuorum({ replicas, read, write });
}

/**
 * Refuses settings under which a read could miss an acknowledged write.
 *
 * @throws QuorumError `invalid_argument`, unless 1 ≤ R, W ≤ N ≤ {@link replicasMax} and R + W > N
 */
export function checkQuorum(settings: QuorumSettings): QuorumSettings {
  const { replicas, read, write } = settings;
  requireWholeNumber({ name: "N", value: replicas, max: replicasMax });
  requireWholeNumber({ name: "R", value: read, max: replicas });
  requireWholeNumber({ name: "W", value: write, max: replicas });
  if (read + write <= replicas) {
    throw new QuorumError({
      code: "invalid_argument",
      message:
        `R + W must be greater than N, or a read could miss the newest write: ` +
        `R=${read} and W=${write} with N=${replicas}; raise R to ${replicas - write + 1} or W to ${replicas - read + 1}`,
    });
  }
  return { replicas, read, write };
}

function requireWholeNumber(options: { name: string; value: number; max: number }): void {
  const { name, value, max } = options;
  if (Number.isInteger(value) && value >= 1 && value <= max) return;
  throw new QuorumError({
    code: "invalid_argument",
    message: `${name} must be a whole number from 1 to ${max}, got ${value}`,
  });
}
