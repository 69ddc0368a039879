import { readFileSync } from "node:fs";
import { QuorumError } from "@quorumfs/core";
import { environmentName, settingsFromEnvironment } from "@quorumfs/runtime/lean";
import yargs, { type Argv, type InferredOptionTypes } from "yargs";
import { type Command, encodeDash, type Registration, type Run } from "../command.js";
import { type CommonConfig, commonConfigOf, commonSettings } from "../settings.js";

export type Parsed =
  /** Help, version or the completion script: to be printed, and nothing else to do. */
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "run"; readonly run: Run; readonly config: CommonConfig }
  | { readonly kind: "config"; readonly config: CommonConfig };

export interface CommandLine {
  readonly version: string;
  readonly commands: readonly Command[];
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads a command line with the settings of all commands: flag, then environment, then the file that `--config` names,
 * then default.
 *
 * @throws QuorumError `invalid_argument`
 */
export async function parseCommandLine(line: CommandLine): Promise<Parsed> {
  const { args, environment } = line;
  const configPath = await configPathOf(line);
  let chosen: Run | undefined;
  let entered = "quorumfs";
  const parser = parserFor(line, {
    entered: (command) => (entered = command),
    chosen: (run) => (chosen = run),
  }).config({
    ...(configPath === undefined ? {} : readConfigFile(configPath)),
    ...settingsFromEnvironment(commonSettings, environment),
  });
  const { text, values, failure } = await parse(parser, args);
  if (failure !== undefined) throw misuse(failure, entered);
  if (text !== "") return { kind: "text", text };
  // What yargs has checked against the very settings that the type is inferred from.
  const config = commonConfigOf(values as InferredOptionTypes<typeof commonSettings>);
  if (values["print-config"] === true) return { kind: "config", config };
  if (chosen) return { kind: "run", run: chosen, config };
  throw misuse("name a command", entered);
}

function parserFor(
  { version, commands, args, environment }: CommandLine,
  told: Pick<Registration, "entered" | "chosen">,
): Argv {
  const parser = yargs()
    .scriptName("quorumfs")
    .usage("$0 COMMAND [options]\n\nFiles in a QuorumFS cluster. A file is BUCKET/PATH, for example files/notes.txt.")
    .options({ ...commonSettings })
    .option("config", {
      type: "string",
      describe: "JSON file with settings, by the names of the flags",
      requiresArg: true,
      defaultDescription: environment[environmentName("config")] ?? "none",
    })
    .option("print-config", { type: "boolean", describe: "Print the effective settings as JSON, and exit" })
    .group(
      ["endpoint", "timeout", "output", "consistency", "parallel", "config", "print-config", "help", "version"],
      "Common options:",
    )
    .completion("completion", "Print a script for bash or zsh that completes commands and flags")
    .version(version)
    .help()
    .alias({ help: "h", version: "V" })
    .example([
      ["$0 put notes.txt files/notes.txt", "Upload a file"],
      ["$0 cat files/notes.txt", "Show it"],
      ["$0 ls -r files", "List a bucket"],
      ["$0 sync ./site files/www", "Upload what is new or different in a directory"],
      ["$0 status", "The cluster at a glance"],
      ["source <($0 completion)", "Completion in this shell"],
    ])
    .epilogue(
      "The common options also come from the environment (QUORUMFS_ENDPOINT and the like) or from --config.\n" +
        "Exit codes: 0 done, 2 wrong input, 3 not found, 4 condition not met, 5 unavailable or overloaded,\n" +
        "6 no quorum, 7 corrupt, 8 not permitted, 9 outcome not known or only some of the files done,\n" +
        "130 interrupted, 1 other.",
    )
    .parserConfiguration({
      "greedy-arrays": false,
      "parse-positional-numbers": false,
    })
    .locale("en")
    .strict()
    .recommendCommands()
    .exitProcess(false);
  for (const command of commands) command.register({ parser, under: "quorumfs", ...told });
  if (!args.includes("--print-config")) parser.demandCommand(1, "name a command");
  return parser.wrap(Math.min(110, parser.terminalWidth()));
}

/** With this flag the shell's completion script asks for words; any parser of yargs answers it, and ends the process. */
const completionFlag = "--get-yargs-completions";

/** The file must be known before the rest is parsed, since it fills in what flags leave out. */
async function configPathOf({ args, environment }: CommandLine): Promise<string | undefined> {
  if (args.includes(completionFlag)) return undefined;
  const { config } = await yargs()
    .option("config", { type: "string" })
    .help(false)
    .version(false)
    .parseAsync([...args]);
  return config ?? (environment[environmentName("config")] || undefined);
}

async function parse(
  parser: Argv,
  args: readonly string[],
): Promise<{ text: string; values: Record<string, unknown>; failure: string | undefined }> {
  let text = "";
  let failure: string | undefined;
  parser.fail((message, error) => {
    failure ??= message ?? error.message;
  });
  const values = await parser.parseAsync(
    args.map(encodeDash),
    {},
    (_error: unknown, _values: unknown, output: string) => {
      text = output;
    },
  );
  return { text, values, failure };
}

function misuse(failure: string, command: string): QuorumError {
  const line = failure.replace(/\s*\n\s*/g, " ");
  const message = `${line.charAt(0).toLowerCase()}${line.slice(1)}${line.endsWith("?") ? "" : ";"} see ${command} --help`;
  return new QuorumError({ code: "invalid_argument", message });
}

function readConfigFile(path: string): Record<string, unknown> {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new QuorumError({ code: "invalid_argument", message: `cannot read --config ${path}: ${reason}`, cause });
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw new QuorumError({ code: "invalid_argument", message: `${path} must hold one JSON object` });
  }
  const unknown = Object.keys(content).filter((name) => !Object.hasOwn(commonSettings, name));
  if (unknown.length === 0) return { ...content };
  throw new QuorumError({ code: "invalid_argument", message: `${path} has unknown settings: ${unknown.join(", ")}` });
}
