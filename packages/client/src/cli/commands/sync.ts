import { formatBytes } from "@quorumfs/runtime/lean";
import { command } from "../command.js";
import { linksOption } from "../local-file.js";
import { mirror, type MirrorAction } from "../sync/mirror.js";
import { checkPlaces, placeOf, requireFiles } from "../sync/place.js";
import { printable } from "../wording.js";

const details = `One of SRC and DST is a local directory, which begins with ./, ../ or /; the other, or both, BUCKET or BUCKET/PREFIX.
Files are compared by size and SHA-256, never by time, and those that are the same are skipped. What DST has beyond SRC
stays, unless --delete is given. Deletions come last, and not at all if anything went wrong before. A file that somebody
else changes in DST while this runs is left alone and reported. Interrupted, the same command goes on.`;

export const sync = command({
  names: ["sync"],
  operands: "<source> <target>",
  shape: "SRC DST",
  describe: "Make a directory or a part of a bucket hold what another one holds",
  details,
  options: {
    delete: { type: "boolean", default: false, describe: "Delete files in DST that are not in SRC" },
    "dry-run": { alias: "n", type: "boolean", default: false, describe: "Say what would be done, and change nothing" },
    links: linksOption,
  },
  examples: [
    ["$0 sync ./site files/www", "Upload what is new or different"],
    ["$0 sync ./site files/www --delete --dry-run", "See what an exact copy would take"],
    ["$0 sync files/www ./mirror --delete", "Make a directory an exact copy"],
    ["$0 sync files/www backups/www", "Copy between buckets"],
  ],
  async run({ operands: [from = "", to = ""], values }, context) {
    const [source, target] = [await placeOf(from), await placeOf(to)];
    await checkPlaces({ source, target });
    await requireFiles(context, source);
    const isTrial = values["dry-run"];
    const summary = new Summary(isTrial);
    const rows = context.printer.rows<MirrorAction>({ line: (action) => lineOf(action, isTrial), under: "actions" });
    try {
      await mirror(context, {
        source,
        target,
        isExact: values.delete,
        isTrial,
        links: values.links,
        onAction: async (action) => {
          summary.add(action);
          if (action.action !== "skip") await rows.add(action);
        },
      });
    } finally {
      await rows.end({ value: { summary: summary.value }, text: summary.text });
    }
  },
});

class Summary {
  readonly #isTrial: boolean;
  readonly #counts = { upload: 0, download: 0, copy: 0, delete: 0, skip: 0 };
  #bytes = 0;

  constructor(isTrial: boolean) {
    this.#isTrial = isTrial;
  }

  add({ action, bytes }: MirrorAction): void {
    this.#counts[action] += 1;
    if (action !== "skip" && action !== "delete") this.#bytes += bytes;
  }

  get value(): object {
    return { ...this.#counts, bytes: this.#bytes, dryRun: this.#isTrial };
  }

  get text(): string {
    const { upload, download, copy, delete: deleted, skip } = this.#counts;
    const counts = [
      ...(upload > 0 ? [`upload ${upload}`] : []),
      ...(download > 0 ? [`download ${download}`] : []),
      ...(copy > 0 ? [`copy ${copy}`] : []),
      `delete ${deleted}`,
      `skip ${skip}`,
    ];
    return `${counts.join(", ")}: ${formatBytes(this.#bytes)}${this.#isTrial ? " (nothing was changed)" : ""}`;
  }
}

function lineOf({ action, from, to, bytes }: MirrorAction, isTrial: boolean): string {
  const what = from === undefined ? printable(to) : `${printable(from)} -> ${printable(to)}  ${formatBytes(bytes)}`;
  return `${isTrial ? "would " : ""}${action}  ${what}`;
}
