import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "@jest/globals";
import type { Disk } from "@quorumfs/core";
import { openLmdbDisk } from "@quorumfs/runtime";

/** A store on a real disk that can be closed and opened again; a new one for every test of the file. */
export class TestStore {
  #directory = "";
  #disk: Disk | undefined;

  constructor() {
    beforeEach(() => this.#begin());
    afterEach(() => this.#end());
  }

  /** An empty store, within one test. */
  async fresh(): Promise<Disk> {
    await this.#end();
    this.#begin();
    return await this.reopen();
  }

  async reopen(): Promise<Disk> {
    await this.#disk?.close();
    this.#disk = openLmdbDisk({ directory: this.#directory });
    return this.#disk;
  }

  #begin(): void {
    this.#directory = mkdtempSync(join(tmpdir(), "quorumfs-replica-"));
  }

  async #end(): Promise<void> {
    await this.#disk?.close();
    this.#disk = undefined;
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
