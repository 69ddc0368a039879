const words = new Map([
  ["ECONNREFUSED", "connection refused"],
  ["ECONNRESET", "connection lost"],
  ["EPIPE", "connection lost"],
  ["ETIMEDOUT", "no answer from the network"],
  ["EHOSTUNREACH", "the host cannot be reached"],
  ["ENETUNREACH", "the network cannot be reached"],
  ["ENOTFOUND", "there is no host of this name"],
]);

/**
 * What the operating system said, in words: it comes wrapped in sentences that libraries made for their own developers.
 * For people only; nothing is decided by it.
 */
export function inWords(details: string): string {
  const name = /\bE[A-Z]{3,}\b/.exec(details)?.[0];
  return (name === undefined ? undefined : words.get(name)) ?? details;
}

/** The message of a thrown thing, if it has one. */
export function messageOf(thrown: unknown): string | undefined {
  if (typeof thrown !== "object" || thrown === null || !("message" in thrown)) return undefined;
  return typeof thrown.message === "string" ? thrown.message : undefined;
}
