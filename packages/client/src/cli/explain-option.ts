import type { Settings } from "@quorumfs/runtime/lean";

/** Of commands whose operations can be told as they ran. */
export const explainOption = {
  explain: {
    type: "boolean",
    default: false,
    describe:
      "Tell on standard error how it ran: attempts, rounds of votes, who answered when, waits; with -o json in the result",
  },
} satisfies Settings;
