import { command } from "../command.js";
import { downloadToOutput } from "../download.js";
import { findRemote } from "../remote-files.js";

// Whoever watches standard output needs no other display.
const unwatched = { progress: () => undefined, end: () => undefined };

export const cat = command({
  names: ["cat"],
  operands: "<remote..>",
  shape: "BUCKET/PATH...",
  describe: "Write files to standard output, one after another",
  options: {},
  examples: [
    ["$0 cat files/notes.txt", "Show a file"],
    ["$0 cat 'files/logs/*.log' | grep ERROR", "Search in several"],
    ["$0 cat files/site.tar | tar x", "Unpack without a copy on the disk"],
  ],
  async run({ operands }, context) {
    for (const operand of operands) {
      for await (const { name } of findRemote(context, operand, false)) {
        if (context.stopping.aborted) return;
        await downloadToOutput(context, { name, meter: unwatched });
      }
    }
  },
});
