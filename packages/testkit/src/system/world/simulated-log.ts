import type { Log, LogFields } from "@quorumfs/core";
import { formatMessage } from "./format-message.js";
import type { SimulatedProcess } from "./simulated-process.js";

/** What processes log: into the readable trace, and counted by event. */
export class LogBook {
  readonly counts = new Map<string, number>();

  of(process: SimulatedProcess, fields: LogFields = {}): Log {
    const say = (level: string) => (event: string, more?: LogFields) => {
      if (level !== "debug") this.counts.set(event, (this.counts.get(event) ?? 0) + 1);
      process.world.trace.mark(process.world.nowMs, event);
      process.world.say(() => `${process.name} ${level} ${event} ${formatMessage({ ...fields, ...more })}`);
    };
    return {
      debug: say("debug"),
      info: say("info"),
      warn: say("warn"),
      error: say("error"),
      child: (more) => this.of(process, { ...fields, ...more }),
    };
  }
}
