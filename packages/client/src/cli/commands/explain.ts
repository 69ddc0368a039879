import { command } from "../command.js";
import { operationOptions } from "../context.js";
import { explanationText } from "../explain-text.js";

export const explain = command({
  names: ["explain"],
  operands: "<remote>",
  shape: "BUCKET/PATH",
  describe: "Show how the vote on a file stands: what each replica has, and what a read and a write would do",
  details:
    "Asks all replicas and changes nothing. Ballots read COUNTER.NODE.INCARNATION. Exit code 0 whatever the verdict is, also " +
    "for a file that is absent or has no quorum; with -o json, .verdict is found, absent, unsettled or no_quorum.",
  options: {},
  examples: [
    ["$0 explain files/notes.txt", "The votes on a file, and why a read answers what it answers"],
    ["$0 explain files/notes.txt -o json | jq -r .verdict", "The verdict, for a script"],
  ],
  async run({ operands: [remote = ""] }, context) {
    const explanation = await (await context.cluster()).explain(remote, operationOptions(context));
    await context.printer.one(explanation, explanationText(explanation));
  },
});
