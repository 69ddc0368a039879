import { join } from "node:path";
import { type Log, type LogFields, QuorumError } from "@quorumfs/core";
import winston from "winston";
import DailyRotateFile from "winston-daily-rotate-file";

export const logLevels = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof logLevels)[number];

export interface ProcessLogOptions {
  /** `supernode`, `datanode` and the like: stands in every line and in the file's name. */
  readonly component: string;
  /** Tells apart several of a kind: a node's id. */
  readonly id?: string | number;
  /** Gets `<component>-<id>.log`, JSON lines; without it there is no file. Made if need be. */
  readonly directory?: string;
  readonly level: LogLevel;
  /** What goes to stderr: lines for people, JSON lines, or nothing. */
  readonly console: "human" | "json" | "none";
}

export interface ProcessLog extends Log {
  /** Waits until everything is written, at most two seconds. Idempotent. */
  close(): Promise<void>;
}

// A day of a busy node at level info takes a few MiB: these hold weeks of it, and bound what a storm of errors can fill.
const fileBytesMax = "20m";
const filesMax = 5;

/** A disk that takes longer than this to write the last lines must not hold up the end of the process. */
const closeTimeoutMs = 2000;

/** A log by winston: JSON lines in a rotated file, and lines on stderr. */
export function createLog(options: ProcessLogOptions): ProcessLog {
  const fileTransport = options.directory === undefined ? undefined : fileOf(options, options.directory);
  const transports: winston.transport[] = [];
  if (options.console !== "none") transports.push(consoleOf(options.console));
  if (fileTransport) transports.push(fileTransport);
  const logger = winston.createLogger({
    level: options.level,
    silent: transports.length === 0,
    format: winston.format.combine(winston.format.timestamp(), errorFormat(), signedBy(options)()),
    transports,
  });
  logger.on("error", () => undefined);
  let closing: Promise<void> | undefined;
  return {
    ...wrap(logger, logLevels.indexOf(options.level)),
    close: () => (closing ??= closeLogger(logger, fileTransport)),
  };
}

/** Drops what is below the level before winston spends anything on it. */
function wrap(logger: winston.Logger, levelIndex: number): Log {
  const nothing = () => undefined;
  return {
    error: (event, fields) => void logger.error(event, fields),
    warn: levelIndex >= 1 ? (event, fields) => void logger.warn(event, fields) : nothing,
    info: levelIndex >= 2 ? (event, fields) => void logger.info(event, fields) : nothing,
    debug: levelIndex >= 3 ? (event, fields) => void logger.debug(event, fields) : nothing,
    child: (fields) => wrap(logger.child(fields), levelIndex),
  };
}

function fileOf({ component, id }: ProcessLogOptions, directory: string): DailyRotateFile {
  const name = id === undefined ? component : `${component}-${id}`;
  try {
    const file = rotated(name, directory);
    // A full disk or a directory that has gone must not end the process that would like to log.
    const fault = (error: unknown): void => complainOnce(directory, error);
    file.on("error", fault);
    file.logStream.on("error", fault);
    return file;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new QuorumError({ code: "unavailable", message: `cannot write logs to ${directory}: ${reason}`, cause });
  }
}

const complained = new Set<string>();

function complainOnce(directory: string, error: unknown): void {
  if (complained.has(directory)) return;
  complained.add(directory);
  process.stderr.write(`cannot write logs to ${directory}: ${String(error)}\n`);
}

function rotated(name: string, directory: string): DailyRotateFile {
  return new DailyRotateFile({
    dirname: directory,
    filename: `${name}.%DATE%`,
    extension: ".log",
    createSymlink: true,
    symlinkName: `${name}.log`,
    auditFile: join(directory, `.${name}.audit.json`),
    maxSize: fileBytesMax,
    maxFiles: filesMax,
    format: winston.format.json({ replacer }),
  });
}

function consoleOf(kind: "human" | "json"): winston.transport {
  return new winston.transports.Console({
    stderrLevels: [...logLevels],
    format: kind === "json" ? winston.format.json({ replacer }) : winston.format.printf(humanLine),
  });
}

/** `12:00:00.123 warn datanode-2 peer.lost peer=3 reason="connection refused"` */
function humanLine(info: winston.Logform.TransformableInfo): string {
  const { timestamp, level, message, component, id, ...fields } = info;
  const time = String(timestamp).slice(11, 23);
  const who = id === undefined ? String(component) : `${text(component)}-${text(id)}`;
  const said = Object.entries(fields).map(([name, value]) => `${name}=${text(value)}`);
  return [time, level.padEnd(5), who, String(message), ...said].join(" ");
}

function text(value: unknown): string {
  const plain = typeof value === "string" ? value : (JSON.stringify(value, replacer) ?? String(value));
  return typeof value === "string" && /[\s"=]/.test(plain) ? JSON.stringify(plain) : plain;
}

/** Errors say nothing in JSON by themselves; large whole numbers do not fit into it. */
function replacer(_key: string, value: unknown): unknown {
  if (value instanceof Error) return describeError(value);
  return typeof value === "bigint" ? value.toString() : value;
}

const errorFormat = winston.format((info) => {
  for (const [name, value] of Object.entries(info)) if (value instanceof Error) info[name] = describeError(value);
  return info;
});

/** Says whose line it is, whatever its fields are called. */
function signedBy({ component, id }: ProcessLogOptions): winston.Logform.FormatWrap {
  return winston.format((info) => Object.assign(info, { component }, id === undefined ? {} : { id }));
}

function describeError(error: Error): LogFields {
  const code = "code" in error ? error.code : undefined;
  const cause = error.cause instanceof Error ? describeError(error.cause) : error.cause;
  return {
    message: error.message,
    ...(code !== undefined && { code }),
    ...(cause !== undefined && { cause }),
    ...(code === undefined || code === "internal" ? { stack: error.stack } : {}),
  };
}

async function closeLogger(logger: winston.Logger, file: DailyRotateFile | undefined): Promise<void> {
  const timeout = new Promise<void>((resolve) => void setTimeout(resolve, closeTimeoutMs).unref());
  await Promise.race([flush(logger, file), timeout]);
  logger.close();
}

/** The logger is finished when the transports have taken all lines, and the file when its stream has written them. */
async function flush(logger: winston.Logger, file: DailyRotateFile | undefined): Promise<void> {
  await new Promise<void>((resolve) => logger.once("finish", resolve).end());
  if (file) await new Promise<void>((resolve) => file.logStream.end(() => resolve()));
}
