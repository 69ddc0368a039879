export type FindingLevel = "ok" | "warning" | "error";

/** What a check has found. */
export interface Finding {
  /** The check's name: one word. */
  readonly check: string;
  readonly level: FindingLevel;
  /** The DataNode that it is about. */
  readonly node?: number;
  /** A sentence without an end. May carry names from the cluster. */
  readonly message: string;
  /** What to do. */
  readonly advice?: string;
}

/** Whether nothing has to be done about it. */
export type Judgement = Omit<Finding, "check">;

export const ok = (message: string): Judgement => ({ level: "ok", message });
export const warning = (message: string, advice: string, node?: number): Judgement => ({
  level: "warning",
  message,
  advice,
  ...(node === undefined ? {} : { node }),
});
export const error = (message: string, advice: string, node?: number): Judgement => ({
  ...warning(message, advice, node),
  level: "error",
});

/** What is wrong, or that all is well. */
export function judged(faults: readonly Judgement[], well: string): readonly Judgement[] {
  return faults.length > 0 ? faults : [ok(well)];
}
