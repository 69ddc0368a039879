import { command } from "../command.js";
import { readOptions } from "../context.js";
import { findRemote } from "../remote-files.js";

export const cat = command({
  names: ["cat"],
  operands: "<remote..>",
  shape: "BUCKET/PATH...",
  describe: "Write files to standard output, one after another",
  options: {},
  examples: [
    ["$0 cat files/notes.txt", "Show a file"],
    ["$0 cat 'files/logs/*.log' | grep ERROR", "Search in several"],
  ],
  async run({ operands }, context) {
    for (const operand of operands) {
      for await (const { name } of findRemote(context, operand, false)) {
        const { content } = await (await context.cluster()).get(name, readOptions(context));
        await context.terminal.write(content);
      }
    }
  },
});
