import type { NodeId } from "@quorumfs/core";
import type { StateSummary } from "@quorumfs/proto";

/** What a state query has come upon so far. */
export class Totals {
  #files = 0;
  #bytes = 0;
  #underReplicated = 0;

  get files(): number {
    return this.#files;
  }

  add(found: { readonly files: number; readonly bytes: number; readonly underReplicated: number }): void {
    this.#files += found.files;
    this.#bytes += found.bytes;
    this.#underReplicated += found.underReplicated;
  }

  summary(options: { readonly unreachable: ReadonlySet<NodeId>; readonly truncated: boolean }): StateSummary {
    return {
      files: this.#files,
      bytes: this.#bytes,
      underReplicated: this.#underReplicated,
      unreachable: [...options.unreachable].sort((a, b) => a - b),
      truncated: options.truncated,
    };
  }
}
