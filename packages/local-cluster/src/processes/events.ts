import type { Party } from "../faults/party.js";

/** What happens to the processes of a cluster, for whoever shows it. */
export type ProcessEvent =
  | { readonly kind: "starting"; readonly member: Party }
  | { readonly kind: "started"; readonly member: Party; readonly tookMs: number; readonly again: boolean }
  /** All processes serve; the cluster is being asked whether it takes writes. */
  | { readonly kind: "checking" }
  /** A process ended by itself, or somebody else killed it. */
  | {
      readonly kind: "ended";
      readonly member: Party;
      /** `SIGKILL`, or `code 5: the reason`. */
      readonly how: string;
      readonly next:
        | { readonly kind: "restart"; readonly inMs: number }
        /** It did not even start: nothing would change by trying again. */
        | { readonly kind: "left"; readonly command: string };
    }
  | { readonly kind: "stopping" };
