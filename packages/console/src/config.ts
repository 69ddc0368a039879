import { QuorumError } from "@quorumfs/core";
import { isLoopback } from "@quorumfs/telemetry";
import { checkToken } from "./server/access.js";

/** What a console can be told. */
export interface ConsoleConfig {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Where to listen; if it is taken, on the next one that is free. 0 takes any. */
  readonly port: number;
  /** What everybody has to know who asks; needed on any other address than loopback. */
  readonly token?: string | undefined;
  /** Names under which browsers reach it, through a proxy say, besides those of this machine's loopback. */
  readonly names?: readonly string[];
}

/** Complete, and checked. */
export interface CheckedConsoleConfig {
  readonly host: string;
  readonly port: number;
  readonly token: string | undefined;
  readonly names: readonly string[];
}

/** @throws QuorumError `invalid_argument` */
export function checkConsoleConfig(config: ConsoleConfig): CheckedConsoleConfig {
  const { host = "127.0.0.1", port, token, names = [] } = config;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw invalid(`the console's port is a whole number from 0 to 65535, got ${port}`);
  }
  if (token === undefined && !isLoopback(host)) {
    throw invalid(
      `the console on ${host} can be reached by others, who could do anything with the files: ` +
        "give it a token (--console-token-file, or QUORUMFS_CONSOLE_TOKEN), or let it listen on 127.0.0.1",
    );
  }
  return { host, port, token: token === undefined ? undefined : checkToken(token), names };
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
