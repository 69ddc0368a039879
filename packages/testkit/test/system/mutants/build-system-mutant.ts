import type { runSystem } from "../../../src/system/system.js";
import { loadPatched, type SourcePatch } from "../../patched-sources.js";

export type SystemPatch = SourcePatch;

/** The whole system with patches applied. */
export async function buildSystemMutant(patches: readonly SystemPatch[]): Promise<typeof runSystem> {
  const loaded = (await loadPatched("testkit/src/system/system.ts", patches)) as { runSystem: typeof runSystem };
  return loaded.runSystem;
}
