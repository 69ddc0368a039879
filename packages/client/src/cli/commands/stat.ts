import { command } from "../command.js";
import { readOptions } from "../context.js";
import { findRemote } from "../remote-files.js";
import { forEachFile } from "../transfers.js";
import { fileBlock } from "../wording.js";

export const stat = command({
  names: ["stat"],
  operands: "<remote..>",
  shape: "BUCKET/PATH...",
  describe: "Show version, size, etag and holders of files",
  options: {},
  examples: [
    ["$0 stat files/notes.txt", "All about a file"],
    ["$0 stat files/notes.txt -o json | jq '.[0].version'", "Its version, for a script"],
  ],
  async run({ operands }, context) {
    const rows = context.printer.rows({ line: fileBlock });
    try {
      await forEachFile(context, operands, {
        act: async (operand) => {
          for await (const { name } of findRemote(context, operand, false)) {
            const { file, ...vote } = await (await context.cluster()).stat(name, readOptions(context));
            await rows.add({ ...file, ...vote });
          }
        },
      });
    } finally {
      await rows.end();
    }
  },
});
