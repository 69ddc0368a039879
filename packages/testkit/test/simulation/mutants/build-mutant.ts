import type { Protocol } from "../../../src/index.js";
import { loadPatched } from "../../patched-sources.js";
import type { Patch } from "./mutants.js";

/** The protocol with patches applied. */
export async function buildMutant(patches: readonly Patch[]): Promise<Protocol> {
  const { protocol } = (await loadPatched("testkit/src/simulation/protocol.ts", patches)) as { protocol: Protocol };
  return protocol;
}
