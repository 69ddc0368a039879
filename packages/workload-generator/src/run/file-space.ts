/** Directories, so that listings and state queries have something to be about. */
const directories = 100;

/** The names of a run's files. No two runs share any. */
export class FileSpace {
  readonly bucket: string;
  /** `workload/1f2e3d4c`: of everything that the run leaves in the bucket. */
  readonly prefix: string;
  readonly files: number;
  readonly #paths: (string | undefined)[] = [];

  constructor(options: { bucket: string; runId: string; files: number }) {
    this.bucket = options.bucket;
    this.prefix = `workload/${options.runId}`;
    this.files = options.files;
  }

  name(file: number): string {
    const path = (this.#paths[file] ??= `${this.directory(file)}${String(file).padStart(8, "0")}`);
    return `${this.bucket}/${path}`;
  }

  /** Prefix of the paths of all files that are in one directory with `file`. */
  directory(file: number): string {
    return `${this.prefix}/${String(file % directories).padStart(2, "0")}/`;
  }
}
