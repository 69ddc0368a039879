import { QuorumError } from "@quorumfs/core";

/**
 * A flag that takes a port or `off`.
 *
 * @returns undefined: off
 * @throws QuorumError `invalid_argument`
 */
export function parsePortOrOff(flag: string, text: string): number | undefined {
  if (text === "off") return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  const message = `${flag} is a number from 0 to 65535, or off; got ${JSON.stringify(text)}`;
  throw new QuorumError({ code: "invalid_argument", message });
}
