/**
 * Appends as a register sees them. An append is a write of the content that it found with its piece behind it, on condition that
 * this content is still the current one. Which that was, the contents tell that were read later, or their etags. So a piece that is
 * lost, doubled or out of its place is in a content that no write has made, or fails a condition that was said to hold.
 */
import type { Operation } from "@quorumfs/workload-generator";
import type { Contents } from "./contents.js";
import type { Append } from "./history.js";

/** A content of which nothing but its etag is known yet stands in a history by this name. */
export function nameOfEtag(contents: Contents, etag: string): string {
  return contents.nameByEtag(etag) ?? `${unread}${etag}`;
}

const unread = "etag ";

// One append after the other whose outcome nobody knows, and whose contents nobody has read: more hardly ever follow one another.
const unreadInARowMax = 3;

/** @param operations where contents have the names that {@link nameOfEtag} gives them */
export function asWrites(history: {
  readonly operations: readonly Operation[];
  readonly appends: readonly Append[];
  readonly contents: Contents;
}): readonly Operation[] {
  const { appends, contents } = history;
  const operations = history.operations.map((operation) => renamed(operation, contents));
  const names = namesByFile(operations, appends, contents);
  if (guess(operations, { names, appends, contents })) return asWrites({ operations, appends, contents });
  return [...operations, ...appends.map((append) => asWrite(append, names.get(append.file) ?? new Set(), contents))];
}

function asWrite(append: Append, names: ReadonlySet<string>, contents: Contents): Operation {
  const { file, client, startedAt, endedAt, piece, outcome } = append;
  const base = { kind: "write", file, client, startedAt, endedAt } as const;
  const made = outcome.kind === "done" ? nameOfEtag(contents, outcome.etag) : upTo(piece, names);
  const ended =
    outcome.kind === "done" ? ({ kind: "done", version: outcome.version } as const) : { kind: outcome.kind };
  // Nobody has ever seen it: it may have happened.
  if (made === undefined) return { ...base, value: `unseen+${piece}`, outcome: ended };
  const before = made.slice(0, -`+${piece}`.length);
  const condition = made === piece ? ({ kind: "absent" } as const) : ({ kind: "value", value: before } as const);
  return { ...base, value: made, condition, outcome: ended };
}

/** The beginning of a content that ends with a piece. */
function upTo(piece: string, names: ReadonlySet<string>): string | undefined {
  for (const name of names) {
    const ids = name.split("+");
    const at = ids.indexOf(piece);
    if (at >= 0) return ids.slice(0, at + 1).join("+");
  }
  return undefined;
}

function renamed(operation: Operation, contents: Contents): Operation {
  if (operation.kind !== "read" || operation.outcome.kind !== "found") return operation;
  const { value } = operation.outcome;
  if (!value.startsWith(unread)) return operation;
  return { ...operation, outcome: { ...operation.outcome, value: nameOfEtag(contents, value.slice(unread.length)) } };
}

function namesByFile(
  operations: readonly Operation[],
  appends: readonly Append[],
  contents: Contents,
): Map<string, Set<string>> {
  const names = new Map<string, Set<string>>();
  const add = (file: string, name: string): void => {
    if (name.startsWith(unread)) return;
    const known = names.get(file);
    if (known) known.add(name);
    else names.set(file, new Set([name]));
  };
  for (const operation of operations) {
    if (operation.kind === "write") add(operation.file, operation.value);
    if (operation.kind === "read" && operation.outcome.kind === "found") add(operation.file, operation.outcome.value);
  }
  for (const { file, outcome } of appends) if (outcome.kind === "done") add(file, nameOfEtag(contents, outcome.etag));
  return names;
}

/** Tries what appends can have made of contents that are known, until the etags are known that were seen. @returns whether it helped */
function guess(
  operations: readonly Operation[],
  { names, appends, contents }: { names: Map<string, Set<string>>; appends: readonly Append[]; contents: Contents },
): boolean {
  const wanted = new Map<string, Set<string>>();
  const want = (file: string, etag: string): void => {
    if (contents.nameByEtag(etag) !== undefined) return;
    wanted.set(file, (wanted.get(file) ?? new Set()).add(etag));
  };
  for (const { kind, file, outcome } of operations) {
    if (kind === "read" && outcome.kind === "found" && outcome.value.startsWith(unread))
      want(file, outcome.value.slice(unread.length));
  }
  for (const { file, outcome } of appends) if (outcome.kind === "done") want(file, outcome.etag);
  let helped = false;
  for (const [file, etags] of wanted) {
    const pieces = appends.filter((append) => append.file === file).map(({ piece }) => piece);
    let longer = [...(names.get(file) ?? []), ...pieces];
    for (let added = 0; added < unreadInARowMax && etags.size > 0; added += 1) {
      longer = longer.flatMap((name) => {
        const ids = name.split("+");
        return pieces.filter((piece) => !ids.includes(piece)).map((piece) => contents.append(name, piece));
      });
      for (const etag of etags) if (contents.nameByEtag(etag) !== undefined && etags.delete(etag)) helped = true;
      if (helped) break;
    }
  }
  return helped;
}
