import { invalid } from "./refusal.js";

/** The parameters of a URL, each looked at before it is used. */
export class Query {
  readonly #parameters: URLSearchParams;

  constructor(url: URL) {
    this.#parameters = url.searchParams;
  }

  text(name: string): string | undefined {
    return this.#parameters.get(name) ?? undefined;
  }

  /** @throws QuorumError `invalid_argument` */
  required(name: string): string {
    const value = this.text(name);
    if (value !== undefined && value !== "") return value;
    throw invalid(`the URL lacks its parameter ${name}`);
  }

  /** @throws QuorumError `invalid_argument` */
  whole(name: string, max = Number.MAX_SAFE_INTEGER): number | undefined {
    const text = this.text(name);
    if (text === undefined || text === "") return undefined;
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= 1 && value <= max) return value;
    throw invalid(`${name} must be a whole number from 1 to ${max}`);
  }

  /** Separated by commas. */
  list(name: string): readonly string[] {
    return (this.text(name) ?? "").split(",").filter((part) => part !== "");
  }
}
