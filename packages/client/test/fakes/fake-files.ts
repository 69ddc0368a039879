import { Durability, ErrorCode, type FileInfo, type FileRequest, type FileResponse } from "@quorumfs/proto";
import { errorResult, sha256 } from "./fake-cluster.js";

type Result = NonNullable<FileResponse["result"]>;

export interface FakeFile {
  readonly info: FileInfo;
  readonly content: Uint8Array;
  readonly manifest: Uint8Array;
}

const vote = { nodes: [1, 2], replicas: [1, 2, 3], durability: Durability.DURABILITY_FSYNC };
const noBytes = new Uint8Array(0);

/** Files as all DataNodes of a fake cluster know them: `cluster.react = files.react`. */
export class FakeFiles {
  readonly files = new Map<string, FakeFile>();
  /** Puts that were applied. */
  applied = 0;
  #version = 0;
  /** Decides instead, if it returns something. */
  before: (request: FileRequest) => Result | undefined = () => undefined;

  readonly react = (_node: number, request: FileRequest): Result => {
    const decided = this.before(request);
    if (decided) return decided;
    const { operation } = request;
    switch (operation?.$case) {
      case "put":
        return this.#put(operation.value);
      case "get": {
        const file = this.files.get(operation.value.path);
        if (!file) return errorResult(ErrorCode.ERROR_CODE_NOT_FOUND);
        return { $case: "get", value: { file: file.info, content: file.content, manifest: file.manifest, vote } };
      }
      case "stat": {
        const file = this.files.get(operation.value.path);
        return file ? { $case: "stat", value: { file: file.info, vote } } : errorResult(ErrorCode.ERROR_CODE_NOT_FOUND);
      }
      case "delete":
      case "list":
      case "cancel":
      case undefined:
        throw new Error("not among what this fake knows");
    }
  };

  #put(put: Extract<NonNullable<FileRequest["operation"]>, { $case: "put" }>["value"]): Result {
    const { path, content, manifest, size, etag, attributes, mutation } = put;
    const current = this.files.get(path);
    const test = mutation?.condition?.test;
    const holds =
      test === undefined ||
      (test.$case === "ifVersion" && current?.info.version === test.value) ||
      (test.$case === "ifAbsent" && !current);
    if (!holds) {
      const currentVersion = current?.info.version ?? 0;
      return errorResult(ErrorCode.ERROR_CODE_PRECONDITION_FAILED, { currentVersion });
    }
    this.#version += 1;
    this.applied += 1;
    const isInline = manifest.length === 0;
    const info = {
      path,
      version: this.#version,
      size: isInline ? content.length : size,
      etag: isInline ? sha256(content) : etag,
      modifiedAtMs: 0,
      attributes,
    };
    this.files.set(path, isInline ? { info, content, manifest: noBytes } : { info, content: noBytes, manifest });
    return { $case: "put", value: { file: info, vote } };
  }
}
