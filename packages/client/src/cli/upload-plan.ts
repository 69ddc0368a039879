import { parseFileName, QuorumError } from "@quorumfs/core";
import { findLocal, kindOfLocal } from "./adapters/find-local.js";
import type { Links, LocalEntry, LocalFile } from "./local-file.js";
import { directoryOf, splitRemote } from "./remote-files.js";

/** One file that is to be sent, or why it cannot be. */
export type UploadItem =
  /** `path` undefined: standard input. */
  | {
      readonly kind: "file";
      readonly path: string | undefined;
      readonly name: string;
      readonly size: number | undefined;
    }
  | { readonly kind: "problem"; readonly problem: QuorumError };

export interface UploadPlan {
  readonly sources: readonly string[];
  /** `BUCKET`, `BUCKET/PATH` or `BUCKET/PATH/`. */
  readonly target: string;
  /** One file that is not looked for in a directory or by a pattern. */
  readonly isSingle: boolean;
  readonly find: { readonly recursive: boolean; readonly links: Links };
}

/** Whether it is one file that is not looked for in a directory or by a pattern. @throws QuorumError `not_found` */
export async function isOneFile(sources: readonly string[]): Promise<boolean> {
  const [source] = sources;
  if (source === undefined || sources.length > 1) return false;
  return source === "-" || (await kindOfLocal(source)) === "file";
}

/** What goes where. Directories are looked through while their first files are being sent. */
export async function* uploadsOf({
  sources,
  target,
  isSingle,
  find,
}: UploadPlan): AsyncGenerator<UploadItem, void, undefined> {
  const { bucket, rest } = splitRemote(target);
  const keepsName = rest === "" || rest.endsWith("/");
  const nameOf = ({ relative }: LocalFile): string =>
    isSingle && !keepsName ? target : `${bucket}/${directoryOf(rest)}${relative}`;
  // Within one directory no name comes twice.
  const names = sources.length > 1 ? new Set<string>() : undefined;
  for (const source of sources) {
    if (source === "-") {
      if (!isSingle || keepsName) {
        throw invalid("standard input goes alone, and to a full name: quorumfs put - BUCKET/PATH");
      }
      yield itemOf(undefined, target);
      continue;
    }
    for await (const entry of entriesOf(source, find)) {
      if (entry.kind === "problem") {
        yield entry;
        continue;
      }
      const name = nameOf(entry.file);
      if (names?.has(name)) yield twice(entry.file, name);
      else yield itemOf(entry.file, name);
      names?.add(name);
    }
  }
}

/** One that does not exist does not keep the others from being sent. */
async function* entriesOf(source: string, find: UploadPlan["find"]): AsyncGenerator<LocalEntry, void, undefined> {
  try {
    yield* findLocal(source, find);
  } catch (thrown) {
    yield { kind: "problem", relative: undefined, problem: QuorumError.from(thrown) };
  }
}

function itemOf(file: LocalFile | undefined, name: string): UploadItem {
  try {
    parseFileName(name);
    return { kind: "file", path: file?.path, name, size: file?.size };
  } catch (thrown) {
    const { code, message } = QuorumError.from(thrown);
    return {
      kind: "problem",
      problem: new QuorumError({ code, message: file ? `${file.path}: ${message}` : message, cause: thrown }),
    };
  }
}

function twice({ path }: LocalFile, name: string): UploadItem {
  return { kind: "problem", problem: invalid(`${path} was not sent: another file that was given is ${name} already`) };
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
