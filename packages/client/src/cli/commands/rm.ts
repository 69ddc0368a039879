import { QuorumError } from "@quorumfs/core";
import { command } from "../command.js";
import { conditionOptions, conditionsOf, requireOneFile } from "../condition-options.js";
import { operationOptions } from "../context.js";
import { explainOption } from "../explain-option.js";
import { findEach, isMany } from "../remote-files.js";
import { forEachFile } from "../transfers.js";
import { printable } from "../wording.js";

export const rm = command({
  names: ["rm", "delete"],
  operands: "<remote..>",
  shape: "BUCKET/PATH...",
  describe: "Delete files",
  options: {
    recursive: { alias: "r", type: "boolean", default: false, describe: "Delete all that is under the path" },
    force: { alias: "f", type: "boolean", default: false, describe: "It is no error if there is no such file" },
    ...conditionOptions,
    ...explainOption,
  },
  examples: [
    ["$0 rm files/notes.txt", "Delete a file"],
    ["$0 rm -r files/www", "Delete a directory"],
    ["$0 rm 'files/logs/*.log'", "Delete what matches a pattern"],
    ["$0 rm files/lock --if-version 7", "Delete version 7, and no other"],
  ],
  async run({ operands, values }, given) {
    const { recursive, force, explain } = values;
    const context = { ...given, explain };
    const conditions = conditionsOf(values);
    const many = operands.length > 1 || operands.some((operand) => isMany(operand, recursive));
    requireOneFile({ conditions, isMany: many });
    const rows = context.printer.rows({
      line: (row: { name: string; version: number }) => `${printable(row.name)} deleted, version ${row.version}`,
    });
    try {
      await forEachFile(context, findEach(context, operands, recursive), {
        act: async (file) => {
          if (file instanceof QuorumError) {
            if (force && isNotFound(file)) return;
            throw file;
          }
          const { name } = file;
          try {
            const result = await (
              await context.cluster()
            ).delete(name, { ...operationOptions(context), ...conditions });
            context.printer.trace(result.trace);
            await rows.add({ name, ...result });
          } catch (thrown) {
            // Another client may have been faster than a listing, too.
            if (!(isNotFound(thrown) && (force || many))) throw thrown;
            if (!force && !recursive) throw thrown;
          }
        },
      });
    } finally {
      await rows.end();
    }
  },
});

function isNotFound(thrown: unknown): boolean {
  return thrown instanceof QuorumError && thrown.code === "not_found";
}
