import { QuorumError } from "@quorumfs/core";
import type { ClusterStore } from "./cluster-store.js";
import type { BucketView } from "./cluster-view.js";

/** The buckets by name, as this node knows them, and where it asks about others. */
export class Buckets {
  readonly #store: ClusterStore;
  readonly #refresh: () => Promise<void>;

  constructor(options: { readonly store: ClusterStore; readonly refresh: () => Promise<void> }) {
    this.#store = options.store;
    this.#refresh = options.refresh;
  }

  named(name: string): BucketView | undefined {
    return this.#store.view.bucketNamed(name);
  }

  /**
   * For a bucket that is not known here: another client may have made it a moment ago, so the SuperNode has the word.
   *
   * @throws QuorumError `not_found`; `unavailable` when no SuperNode answers
   */
  async lookUp(name: string): Promise<BucketView> {
    await this.#refresh();
    const bucket = this.named(name);
    if (bucket) return bucket;
    const { forming } = this.#store.view;
    if (forming !== undefined) throw new QuorumError({ code: "unavailable", message: forming });
    throw new QuorumError({
      code: "not_found",
      message: `there is no bucket ${JSON.stringify(name)}; make it with: quorumfs bucket create ${name}`,
    });
  }
}
