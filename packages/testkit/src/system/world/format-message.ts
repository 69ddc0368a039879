import { Buffer } from "node:buffer";

const charactersMax = 400;

/** A message or the fields of a log event as one line of a readable trace. */
export function formatMessage(message: unknown): string {
  const text = JSON.stringify(message, replace) ?? "undefined";
  return text.length > charactersMax ? `${text.slice(0, charactersMax)}… (${text.length} characters)` : text;
}

function replace(this: unknown, _key: string, value: unknown): unknown {
  if (value instanceof Error) return `${"code" in value ? String(value.code) : value.name}: ${value.message}`;
  if (value instanceof Map) return Object.fromEntries(value);
  if (isBufferJson(value)) return shortHex(Buffer.from(value.data));
  if (value instanceof Uint8Array) return shortHex(value);
  return value;
}

function shortHex(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.subarray(0, 12)).toString("hex");
  return bytes.length > 12 ? `${hex}…(${bytes.length})` : hex;
}

/** A Buffer says itself what it is in JSON, before anybody is asked. */
function isBufferJson(value: unknown): value is { readonly data: readonly number[] } {
  if (typeof value !== "object" || value === null) return false;
  return "type" in value && value.type === "Buffer" && "data" in value && Array.isArray(value.data);
}
