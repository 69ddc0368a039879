import { QuorumError } from "@quorumfs/core";
import { command } from "../command.js";
import { downloadToOutput } from "../download.js";
import { findEach } from "../remote-files.js";
import { forEachFile } from "../transfers.js";

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
    // One after another, in the order that was asked for.
    const inTurn = { ...context, config: { ...context.config, parallel: 1 } };
    await forEachFile(inTurn, findEach(context, operands, false), {
      act: async (file) => {
        if (file instanceof QuorumError) throw file;
        await downloadToOutput(context, { name: file.name, meter: unwatched });
      },
    });
  },
});
