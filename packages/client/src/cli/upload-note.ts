/** What makes an upload the same as an earlier one: the same state of a file on its way to the same name. */
export interface UploadKey {
  readonly clusterId: string;
  /** `bucket/path`. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly size: number;
  readonly modifiedMs: number;
}

/** What is remembered of a large upload while it is under way. */
export interface UploadNote {
  /** Of its chunks and of the mutation that commits them. */
  readonly requestId: string;
  /** There was an earlier process, and this is its upload. */
  readonly isResumed: boolean;
  /** To be called now and then: makes the note last as long as the chunks. */
  progressed(): void;
  /** The upload has ended and there is nothing to go on with. */
  remove(): Promise<void>;
}

export interface UploadNotes {
  /**
   * Notes an upload that is about to begin.
   *
   * @param options `resume`: go on with the earlier one, if there is a note of it
   * @throws Error if the note cannot be kept
   */
  begin(key: UploadKey, options: { readonly resume: boolean }): Promise<UploadNote>;
}
