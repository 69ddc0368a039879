import { readFileSync } from "node:fs";
import { QuorumError } from "@quorumfs/core";
import yargs, { type Argv, type InferredOptionTypes, type Options } from "yargs";
import { environmentName, isList, type Settings, settingsFromEnvironment } from "../settings.js";

export interface ParseOptions<S extends Settings> {
  /** As people type it. */
  readonly name: string;
  readonly description: string;
  readonly version: string;
  readonly settings: S;
  /** Command lines and what they do. */
  readonly examples: readonly (readonly [command: string, what: string])[];
}

export type Parsed<S extends Settings> =
  | { readonly kind: "settings"; readonly values: InferredOptionTypes<S>; readonly printConfig: boolean }
  /** `--help` or `--version`: text to print, and nothing else to do. */
  | { readonly kind: "text"; readonly text: string };

/**
 * Reads settings with one precedence everywhere: flag, then environment (`QUORUMFS_DATA_DIR` for `--data-dir`), then
 * the JSON file that `--config` names, then default.
 *
 * @throws QuorumError `invalid_argument`
 */
export async function parseSettings<S extends Settings>(
  options: ParseOptions<S>,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Parsed<S>> {
  const { settings } = options;
  const { text, values } = await parse(parserFor(options, environment), settings, args);
  if (text !== "") return { kind: "text", text };
  const fromFile = typeof values.config === "string" ? readConfigFile(values.config, settings) : {};
  // yargs itself fills in what a flag does not say; flags that were given stay above.
  const parser = parserFor(options, environment).config({
    ...fromFile,
    ...settingsFromEnvironment(settings, environment),
  });
  const merged = await parse(parser, settings, args);
  // What yargs has checked against the very settings that the type is inferred from.
  const checked = merged.values as InferredOptionTypes<S>;
  return { kind: "settings", values: checked, printConfig: merged.values["print-config"] === true };
}

/** A parser with these settings, `--config`, `--print-config`, `--help` and `--version`, but without their values. */
function parserFor(options: ParseOptions<Settings>, environment: Readonly<Record<string, string | undefined>>): Argv {
  const { name, settings } = options;
  const parser = yargs()
    .scriptName(name)
    .usage(`$0 [options]\n\n${options.description}`)
    .options(withRequiredValues(settings))
    .option("config", {
      type: "string",
      describe: "JSON file with settings, by the names of the flags",
      requiresArg: true,
      default: environment[environmentName("config")],
      defaultDescription: "none",
    })
    .option("print-config", { type: "boolean", describe: "Print the effective configuration as JSON, and exit" })
    .version(options.version)
    .help()
    .alias({ help: "h", version: "V" })
    .example(options.examples.map(([command, what]) => [command, what]))
    .epilogue(
      "Each setting: flag, else environment (QUORUMFS_ and its name, like QUORUMFS_DATA_DIR), else file, else default.",
    )
    .parserConfiguration({ "greedy-arrays": false })
    .locale("en")
    .strict()
    .demandCommand(0, 0)
    .exitProcess(false);
  return parser.wrap(Math.min(120, parser.terminalWidth()));
}

/** A flag without its value is a mistake, except for switches. */
function withRequiredValues(settings: Settings): Record<string, Options> {
  return Object.fromEntries(
    Object.entries(settings).map(([flag, option]) => [flag, { ...option, requiresArg: option.type !== "boolean" }]),
  );
}

async function parse(
  parser: Argv,
  settings: Settings,
  args: readonly string[],
): Promise<{ text: string; values: Record<string, unknown> }> {
  let text = "";
  let failure: string | undefined;
  parser.fail((message, error) => {
    failure ??= message ?? error.message;
  });
  const values: Record<string, unknown> = await parser.parseAsync([...args], {}, (_error, _values, output) => {
    text = output;
  });
  failure ??= Object.entries(settings).flatMap(([flag, option]) => faultOf(flag, option, values[flag]))[0];
  if (failure !== undefined) {
    throw new QuorumError({ code: "invalid_argument", message: `${lowerFirst(failure)}; see --help` });
  }
  return { text, values };
}

/** What yargs takes though nobody can have meant it. */
function faultOf(flag: string, option: Options, value: unknown): readonly string[] {
  if (Number.isNaN(value)) return [`--${flag} takes a number`];
  return Array.isArray(value) && !isList(option) ? [`--${flag} was given more than once`] : [];
}

function readConfigFile(path: string, settings: Settings): Record<string, unknown> {
  const content = parseJson(path);
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw new QuorumError({ code: "invalid_argument", message: `${path} must hold one JSON object` });
  }
  const unknown = Object.keys(content).filter((name) => !Object.hasOwn(settings, name));
  if (unknown.length > 0) {
    throw new QuorumError({ code: "invalid_argument", message: `${path} has unknown settings: ${unknown.join(", ")}` });
  }
  return { ...content };
}

function parseJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new QuorumError({ code: "invalid_argument", message: `cannot read --config ${path}: ${reason}`, cause });
  }
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
