/** Patterns over file paths: `*` and `?` stay within a segment, `**` does not; a backslash takes the next character as it is. */
export interface RemoteGlob {
  /** What every match begins with; a listing needs to go no further. */
  readonly prefix: string;
  /** The part of the prefix that is whole segments: matches are named relative to it. */
  readonly base: string;
  matches(path: string): boolean;
}

const token = /\\(.)|\*\*\/?|\*|\?|[^\\*?]+|\\$/gsu;

/** Undefined if the text has no wildcard; use {@link literalOf} then. */
export function remoteGlob(pattern: string): RemoteGlob | undefined {
  let prefix = "";
  let source = "";
  let isLiteral = true;
  for (const [text, escaped] of pattern.matchAll(token)) {
    const literal = escaped ?? (/^[*?]/.test(text) ? undefined : text);
    if (literal === undefined) isLiteral = false;
    else if (isLiteral) prefix += literal;
    source += literal === undefined ? wildcardSource(text) : literal.replace(/[.+*?^${}()|[\]\\/-]/gu, "\\$&");
  }
  if (isLiteral) return undefined;
  const expression = new RegExp(`^${source}$`, "su");
  const base = prefix.slice(0, prefix.lastIndexOf("/") + 1);
  return { prefix, base, matches: (path) => expression.test(path) };
}

function wildcardSource(wildcard: string): string {
  switch (wildcard) {
    case "?":
      return "[^/]";
    case "*":
      return "[^/]*";
    case "**/":
      return "(?:.*\\/)?";
    default:
      return ".*";
  }
}

/** The path that a text without wildcards stands for. */
export function literalOf(text: string): string {
  return text.replace(/\\(.)/gsu, "$1");
}
