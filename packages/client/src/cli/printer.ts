import type { OperationTrace, QuorumError } from "@quorumfs/core";
import type { OutputFormat } from "./settings.js";
import type { Terminal } from "./terminal.js";
import { traceText } from "./trace-text.js";
import { printable, printableLines } from "./wording.js";

// A write to a pipe costs tens of microseconds, a line far less.
const chunkChars = 64 * 1024;

export interface RowsOptions<Row> {
  /** The row for people; one line or a block of them. */
  readonly line: (row: Row) => string;
  /** Above the first line. */
  readonly header?: string;
  /** With `json`, the rows stand in an object under this name, beside what `end` adds; else they are an array. */
  readonly under?: string;
  /** What comes before the rows: with `json` a member of the object, for `under`; with `jsonl` a line of its own. */
  readonly first?: { readonly value: object; readonly text: string };
}

/** Takes rows one by one, so that a listing of any length needs no memory. */
export interface Rows<Row> {
  add(row: Row): Promise<void>;
  /** @param extra further members of the object, for `under`; `jsonl` gives them a line of their own */
  end(extra?: { readonly value: object; readonly text: string }): Promise<void>;
}

/** Results on standard output, problems on standard error, in the format that was asked for. */
export class Printer {
  readonly #terminal: Terminal;
  readonly format: OutputFormat;
  #pending = "";

  constructor(terminal: Terminal, format: OutputFormat) {
    this.#terminal = terminal;
    this.format = format;
  }

  rows<Row extends object>(options: RowsOptions<Row>): Rows<Row> {
    switch (this.format) {
      case "table":
        return this.#tableRows(options);
      case "json":
        return this.#jsonRows(options);
      case "jsonl":
        return this.#lines(options);
    }
  }

  #lines<Row>({ first }: RowsOptions<Row>): Rows<Row> {
    if (first) this.#pending += `${JSON.stringify(first.value)}\n`;
    return {
      add: (row) => this.#print(`${JSON.stringify(row)}\n`),
      end: (extra) => this.#finish(extra ? `${JSON.stringify(extra.value)}\n` : ""),
    };
  }

  #tableRows<Row>({ line, header, first }: RowsOptions<Row>): Rows<Row> {
    if (first) this.#pending += `${first.text}\n`;
    let isFirst = true;
    return {
      add: (row) => {
        const above = isFirst && header !== undefined ? `${header}\n` : "";
        isFirst = false;
        return this.#print(`${above}${line(row)}\n`);
      },
      end: (extra) => this.#finish(extra && extra.text !== "" ? `${extra.text}\n` : ""),
    };
  }

  #jsonRows<Row>({ under, first }: RowsOptions<Row>): Rows<Row> {
    const before = first ? `${JSON.stringify(first.value).slice(1, -1)},` : "";
    const [open, close] = under === undefined ? ["[", "]"] : [`{${before}${JSON.stringify(under)}:[`, "]"];
    let count = 0;
    return {
      add: (row) => {
        count += 1;
        return this.#print(`${count === 1 ? open : ","}\n${JSON.stringify(row)}`);
      },
      end: (extra) => {
        const members = under === undefined ? "" : `${extra ? `,${JSON.stringify(extra.value).slice(1, -1)}` : ""}}`;
        return this.#finish(`${count === 0 ? open : "\n"}${close}${members}\n`);
      },
    };
  }

  /** A result that is one thing. */
  async one(value: object, text: string): Promise<void> {
    switch (this.format) {
      case "table":
        return this.#finish(`${text}\n`);
      case "json":
        return this.#finish(`${JSON.stringify(value, undefined, 2)}\n`);
      case "jsonl":
        return this.#finish(`${JSON.stringify(value)}\n`);
    }
  }

  /** A word to people, on standard error; programs are spared it. */
  note(text: string): void {
    if (this.format === "table") this.#terminal.complain(printable(text));
  }

  problem(error: QuorumError): void {
    if (this.format !== "table") {
      this.#terminal.complain(JSON.stringify({ error: problemOf(error) }));
      return;
    }
    this.#terminal.complain(printable(`quorumfs: ${error.message}${nameInLogs(error)}`));
    if (error.details.trace) this.trace(error.details.trace);
  }

  /** How an operation ran, on standard error; for programs it is in the result itself. */
  trace(trace: OperationTrace | undefined): void {
    if (trace && this.format === "table") this.#terminal.complain(printableLines(traceText(trace)));
  }

  async #print(text: string): Promise<void> {
    this.#pending += text;
    if (this.#pending.length >= chunkChars) await this.flush();
  }

  async #finish(text: string): Promise<void> {
    this.#pending += text;
    await this.flush();
  }

  async flush(): Promise<void> {
    const text = this.#pending;
    this.#pending = "";
    // In JSON what is escaped stands in strings, where it means the same.
    if (text !== "") await this.#terminal.write(printableLines(text));
  }
}

/** Where the logs of DataNodes may tell more: by which name. What is up to the caller needs no logs. */
function nameInLogs({ code, message, details: { requestId } }: QuorumError): string {
  if (requestId === undefined || message.includes(requestId)) return "";
  switch (code) {
    case "invalid_argument":
    case "not_found":
    case "precondition_failed":
    case "cancelled":
      return "";
    case "unavailable":
    case "resource_exhausted":
    case "quorum_unavailable":
    case "corrupt":
    case "permission_denied":
    case "unknown_outcome":
    case "internal":
      return ` [request ${requestId}]`;
  }
}

function problemOf(error: QuorumError): object {
  const { mayHaveRun: _, ...details } = error.details;
  return { code: error.code, message: error.message, details };
}
