import { checkConsoleConfig, type ConsoleConfig } from "@quorumfs/console";
import { QuorumError } from "@quorumfs/core";

/** What must not be printed with the settings. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toJSON(): string {
    return "(secret)";
  }
}

/** The console's flags; complete and checked. */
export interface ConsoleSettings {
  readonly host: string;
  readonly port: number;
  readonly token: Secret | undefined;
  readonly names: readonly string[];
}

export interface ConsoleFlags {
  readonly host: string;
  /** A number, or `off`. */
  readonly port: string;
  readonly token: string | undefined;
  /** What is in the file that was named. */
  readonly tokenFile: string | undefined;
  readonly names: readonly string[];
}

/**
 * @returns undefined: no console
 * @throws QuorumError `invalid_argument`
 */
export function consoleSettings(flags: ConsoleFlags): ConsoleSettings | undefined {
  if (flags.port === "off") return undefined;
  if (!/^\d{1,5}$/.test(flags.port)) throw invalid(`--console-port is a number or off, got ${flags.port}`);
  if (flags.token !== undefined && flags.tokenFile !== undefined) {
    throw invalid("--console-token and --console-token-file exclude each other");
  }
  const given = flags.token ?? flags.tokenFile?.trim();
  const names = flags.names.map((name) => name.toLowerCase());
  const { host, port, token } = checkConsoleConfig({ host: flags.host, port: Number(flags.port), token: given, names });
  return { host, port, token: token === undefined ? undefined : new Secret(token), names };
}

/** What the console is started with. */
export function consoleConfig({ token, ...settings }: ConsoleSettings): ConsoleConfig {
  return { ...settings, token: token?.reveal() };
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
