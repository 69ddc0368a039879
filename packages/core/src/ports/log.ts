/** Named values that belong to a log event. Never payload bytes, never secrets. */
export type LogFields = Readonly<Record<string, unknown>>;

/** A structured log: `event` is a stable dotted name (`layout.installed`), the fields carry what varies. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** A log that adds `fields` to every event. */
  child(fields: LogFields): Log;
}
