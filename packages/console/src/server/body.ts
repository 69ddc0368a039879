import type { IncomingMessage } from "node:http";
import type { Clock } from "@quorumfs/core";
import { invalid, Refusal } from "./refusal.js";

/** The longest that is asked for is a token of 1 KiB, or a bucket's name and figures. */
const jsonBytesMax = 16 * 1024;
const jsonWithinMs = 10_000;

/**
 * The body of a request that carries JSON.
 *
 * @throws QuorumError `invalid_argument`
 */
export async function readJson(request: IncomingMessage, clock: Clock): Promise<unknown> {
  const type = request.headers["content-type"] ?? "";
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new Refusal(415, "invalid_argument", "the body must be JSON, with Content-Type: application/json");
  }
  const cancel = clock.after(jsonWithinMs, () => request.destroy());
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of piecesOf(request)) {
      bytes += piece.length;
      if (bytes > jsonBytesMax) throw new Refusal(413, "invalid_argument", `the body is above ${jsonBytesMax} bytes`);
      pieces.push(piece);
    }
  } finally {
    cancel();
  }
  try {
    const parsed: unknown = JSON.parse(Buffer.concat(pieces).toString("utf8"));
    return parsed;
  } catch {
    throw invalid("the body is not JSON");
  }
}

/** The body of a request, which can still be answered when its reader stops half-way. */
export function piecesOf(request: IncomingMessage): AsyncIterable<Buffer> {
  return request.iterator({ destroyOnReturn: false });
}

/** The fields of an object that came as JSON, each looked at before it is used. */
export class Fields {
  readonly #values: ReadonlyMap<string, unknown>;

  /** @throws QuorumError `invalid_argument`: no object, or one with other fields than these */
  constructor(value: unknown, known: readonly string[]) {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw invalid("the body must be a JSON object");
    const strange = Object.keys(value).find((key) => !known.includes(key));
    if (strange !== undefined)
      throw invalid(`there is no field ${JSON.stringify(strange.slice(0, 80))}; known are ${known.join(", ")}`);
    this.#values = new Map(Object.entries(value));
  }

  text(name: string): string | undefined {
    const value = this.#values.get(name);
    if (value === undefined || typeof value === "string") return value;
    throw invalid(`${name} must be text`);
  }

  number(name: string): number | undefined {
    const value = this.#values.get(name);
    if (value === undefined || (typeof value === "number" && Number.isFinite(value))) return value;
    throw invalid(`${name} must be a number`);
  }

  whole(name: string, max: number): number | undefined {
    const value = this.number(name);
    if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= max)) return value;
    throw invalid(`${name} must be a whole number from 1 to ${max}`);
  }

  flag(name: string): boolean | undefined {
    const value = this.#values.get(name);
    if (value === undefined || typeof value === "boolean") return value;
    throw invalid(`${name} must be true or false`);
  }

  oneOf<Choice extends string>(name: string, choices: readonly Choice[]): Choice | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const choice = choices.find((each) => each === value);
    if (choice !== undefined) return choice;
    throw invalid(`${name} must be one of ${choices.join(", ")}`);
  }
}
