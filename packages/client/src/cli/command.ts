import type { Settings } from "@quorumfs/runtime/lean";
import type { Argv, InferredOptionTypes } from "yargs";
import type { Context } from "./context.js";

/** What a command line gives to its command. */
export interface Input<Options extends Settings> {
  /** The words behind the command's name. */
  readonly operands: readonly string[];
  readonly values: InferredOptionTypes<Options>;
}

export interface CommandSpec<Options extends Settings> {
  /** As typed, aliases behind. */
  readonly names: readonly [string, ...string[]];
  /** The operands as yargs writes them: `<remote> [local]`. */
  readonly operands: string;
  /** The operands as its help shows them: `LOCAL... BUCKET/PATH`. */
  readonly shape: string;
  readonly describe: string;
  /** What its help says beyond that. */
  readonly details?: string;
  readonly options: Options;
  readonly examples: readonly (readonly [command: string, what: string])[];
  readonly run: (input: Input<Options>, context: Context) => Promise<void>;
}

export type Run = (context: Context) => Promise<void>;

export interface Registration {
  readonly parser: Argv;
  /** What stands before the command's own name: `quorumfs`, `quorumfs bucket`. */
  readonly under: string;
  /** Called when the command line turns out to be for this command: `quorumfs bucket create`. */
  readonly entered: (command: string) => void;
  /** Called when it is complete. */
  readonly chosen: (run: Run) => void;
}

/** A command or a group of them, ready to be made part of the parser. */
export interface Command {
  register(registration: Registration): void;
}

export function command<Options extends Settings>(spec: CommandSpec<Options>): Command {
  const [name, ...aliases] = spec.names;
  const words = [...spec.operands.matchAll(/[a-z]+/g)].map(([word]) => word);
  return {
    register({ parser, under, entered, chosen }) {
      const full = `${under} ${name}`;
      parser.command(
        [`${name} ${spec.operands}`.trim(), ...aliases],
        spec.describe,
        (own) => {
          entered(full);
          own
            .usage(
              [`${full} ${spec.shape}`, spec.describe, ...(spec.details === undefined ? [] : [spec.details])].join(
                "\n\n",
              ),
            )
            .options({ ...spec.options })
            .example(spec.examples.map(([line, what]) => [line, what]));
          // Operands are text, also where they look like numbers.
          for (const word of words) own.string(word).hide(word);
        },
        (values) => {
          const operands = words.flatMap((word) => values[word]).filter((operand) => typeof operand === "string");
          // What yargs has checked against the very options that the type is inferred from.
          const input = {
            operands: operands.map(decodeDash),
            values: values as unknown as InferredOptionTypes<Options>,
          };
          chosen((context) => spec.run(input, context));
        },
      );
    },
  };
}

// yargs loses a lone dash among operands. No argument of a process can contain a NUL.
const dash = "\0-";

/** An argument as yargs gets it. */
export function encodeDash(argument: string): string {
  return argument === "-" ? dash : argument;
}

function decodeDash(operand: string): string {
  return operand === dash ? "-" : operand;
}

/** Commands under one word: `bucket create`. */
export function group(options: { name: string; describe: string; commands: readonly Command[] }): Command {
  const { name, describe, commands } = options;
  return {
    register({ parser, under, entered, chosen }) {
      const full = `${under} ${name}`;
      parser.command(`${name} <command>`, describe, (own) => {
        entered(full);
        own.usage(`${full} COMMAND\n\n${describe}`).demandCommand(1, `${name} needs a command`);
        for (const each of commands) each.register({ parser: own, under: full, entered, chosen });
      });
    },
  };
}
