import { QuorumError } from "@quorumfs/core";

/** Reads a row that was written as JSON, field by field. What is missing or of another kind is refused as corrupt. */
export class StoredRow {
  readonly #what: string;
  readonly #fields: ReadonlyMap<string, unknown>;

  /** @throws QuorumError `corrupt` */
  constructor(what: string, bytes: Uint8Array) {
    this.#what = what;
    this.#fields = new Map(Object.entries(this.#parse(Buffer.from(bytes).toString("utf8"))));
  }

  text(name: string): string {
    const value = this.#fields.get(name);
    return typeof value === "string" ? value : this.#refuse(name);
  }

  /** Empty for a row that was written before there was this field. */
  laterText(name: string): string {
    return this.#fields.has(name) ? this.text(name) : "";
  }

  /** A whole number from 0. */
  count(name: string): number {
    const value = this.#fields.get(name);
    return isCount(value) ? value : this.#refuse(name);
  }

  flag(name: string): boolean {
    const value = this.#fields.get(name);
    return typeof value === "boolean" ? value : this.#refuse(name);
  }

  /** Written in hex. */
  bytes(name: string): Uint8Array {
    const value = this.text(name);
    return /^([0-9a-f]{2})*$/.test(value) ? Buffer.from(value, "hex") : this.#refuse(name);
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T {
    const value = this.#fields.get(name);
    return values.find((one) => one === value) ?? this.#refuse(name);
  }

  counts(name: string): readonly number[] {
    const value = this.#fields.get(name);
    return Array.isArray(value) && value.every(isCount) ? value : this.#refuse(name);
  }

  countLists(name: string): readonly (readonly number[])[] {
    const value: unknown = this.#fields.get(name);
    if (!Array.isArray(value)) return this.#refuse(name);
    return value.map((list: unknown) => (Array.isArray(list) && list.every(isCount) ? list : this.#refuse(name)));
  }

  #parse(text: string): object {
    try {
      const content: unknown = JSON.parse(text);
      if (typeof content === "object" && content !== null) return content;
    } catch {
      // Told below, as for any other text.
    }
    throw this.#corrupt("is no such thing");
  }

  #refuse(name: string): never {
    throw this.#corrupt(`has a ${name} that is missing or wrong`);
  }

  #corrupt(how: string): QuorumError {
    return new QuorumError({ code: "corrupt", message: `${this.#what} in the SuperNode's store ${how}` });
  }
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
