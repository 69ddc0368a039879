import { lstat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { QuorumError } from "@quorumfs/core";
import { isMissing, localError } from "./local-error.js";

/** Keeps what is written below a directory from ending up elsewhere, by way of a symbolic link to another directory. */
export class LinkGuard {
  readonly #root: string;
  #lastGood = ".";

  constructor(root: string) {
    this.#root = root;
  }

  /** @throws QuorumError if a directory on the way to the file is a symbolic link */
  async check(relative: string): Promise<void> {
    const directory = dirname(relative);
    if (directory === this.#lastGood) return;
    let path = this.#root;
    for (const segment of directory.split("/")) {
      path = join(path, segment);
      if (!(await this.#exists(path))) return;
    }
    this.#lastGood = directory;
  }

  async #exists(path: string): Promise<boolean> {
    try {
      const found = await lstat(path);
      if (!found.isSymbolicLink()) return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw localError(`cannot look at ${path}`, error);
    }
    throw new QuorumError({
      code: "invalid_argument",
      message: `${path} is a symbolic link, and nothing is written through it; say --links follow if it is to be`,
    });
  }
}
