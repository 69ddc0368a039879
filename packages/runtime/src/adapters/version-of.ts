import { readFileSync } from "node:fs";

/** The version in a package's manifest: `versionOf(new URL("../package.json", import.meta.url))`. */
export function versionOf(manifest: URL): string {
  const content: unknown = JSON.parse(readFileSync(manifest, "utf8"));
  const version = typeof content === "object" && content !== null && "version" in content ? content.version : undefined;
  return typeof version === "string" ? version : "unknown";
}
