/** The settings of the binaries, as `--help` tells them: what stands in the document is what a user is told. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { table } from "./markdown.js";

export interface Setting {
  readonly flag: string;
  readonly type: string;
  readonly byDefault: string;
  readonly meaning: string;
}

const scripts = {
  "quorumfs-supernode": "packages/supernode/bin/quorumfs-supernode.js",
  "quorumfs-datanode": "packages/datanode/bin/quorumfs-datanode.js",
} as const;

export type Binary = keyof typeof scripts;

export const binaries: readonly Binary[] = ["quorumfs-supernode", "quorumfs-datanode"];

export const clone = fileURLToPath(new URL("../../", import.meta.url));

/** Runs a binary as built, and returns what it prints. Settings of the surroundings do not count. */
export function run(
  binary: Binary,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): string {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("QUORUMFS_"));
  const env = { ...Object.fromEntries(inherited), ...environment };
  return execFileSync(process.execPath, [clone + scripts[binary], ...args], { encoding: "utf8", env });
}

/** Of all that can be set: not `--config`, `--print-config`, `--help` and `--version`, which only flags can say. */
export function settingsOf(binary: Binary): readonly Setting[] {
  return parseHelp(run(binary, ["--help"]));
}

const notSettings = ["config", "print-config", "version", "help"];

/** Of a help text that is not wrapped, as it is where no terminal is. */
export function parseHelp(help: string): readonly Setting[] {
  const line = /^ +(?:-\w, )? *--(?<flag>[a-z-]+) {2,}(?<meaning>.*?)(?<notes>(?: {1,2}\[[^\]]*\])+)$/gm;
  return [...help.matchAll(line)].flatMap(({ groups: { flag = "", meaning = "", notes = "" } = {} }) => {
    if (notSettings.includes(flag)) return [];
    const said = [...notes.matchAll(/\[([^\]]*)\]/g)].map(([, note = ""]) => note.replaceAll('"', ""));
    const of = (what: string) => said.find((note) => note.startsWith(what))?.slice(what.length);
    return [{ flag, type: of("choices: ") ?? said[0] ?? "", byDefault: of("default: ") ?? "", meaning }];
  });
}

export function settingsTable(settings: readonly Setting[]): string {
  return table(
    ["setting", "value", "default", "meaning"],
    settings.map(({ flag, type, byDefault, meaning }) => [`\`${flag}\``, type, byDefault, meaning]),
  );
}
