import { command } from "../command.js";
import { readOptions } from "../context.js";
import { explainOption } from "../explain-option.js";
import { findRemote } from "../remote-files.js";
import { forEachFile } from "../transfers.js";
import { fileBlock } from "../wording.js";

export const stat = command({
  names: ["stat"],
  operands: "<remote..>",
  shape: "BUCKET/PATH...",
  describe: "Show version, size, etag and holders of files",
  options: explainOption,
  examples: [
    ["$0 stat files/notes.txt", "All about a file"],
    ["$0 stat files/notes.txt --explain", "And how that was found out"],
    ["$0 stat files/notes.txt -o json | jq '.[0].version'", "Its version, for a script"],
  ],
  async run({ operands, values: { explain } }, given) {
    const context = { ...given, explain };
    const rows = context.printer.rows({ line: fileBlock });
    try {
      await forEachFile(context, operands, {
        act: async (operand) => {
          for await (const { name } of findRemote(context, operand, false)) {
            const { file, ...vote } = await (await context.cluster()).stat(name, readOptions(context));
            context.printer.trace(vote.trace);
            await rows.add({ ...file, ...vote });
          }
        },
      });
    } finally {
      await rows.end();
    }
  },
});
