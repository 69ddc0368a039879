/**
 * Who may ask. On loopback without a token everybody on this machine may; that no foreign page asks through somebody's browser is
 * seen to by `serveHttp` (Host, Origin), by what browsers say of where a request comes from, and by a header that no form sends.
 *
 * Who has the token gets a cookie for it, since a browser's event stream and downloads carry no headers of our choice. The cookie
 * is derived from the token, so that it outlives a restart of the server and dies with the token.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { QuorumError } from "@quorumfs/core";
import { Refusal } from "./refusal.js";

export const cookieName = "quorumfs-console";
/** On requests that change something. */
export const changeHeader = "x-quorumfs-console";

/** A guess at random of 16 characters is hopeless, even at thousands a second; of 6 it is not. */
export const tokenLengthMin = 16;
const tokenLengthMax = 1024;

/** @throws QuorumError `invalid_argument` */
export function checkToken(token: string): string {
  if (token.length >= tokenLengthMin && token.length <= tokenLengthMax && /^[!-~]+$/.test(token)) return token;
  throw new QuorumError({
    code: "invalid_argument",
    message: `a token of the console is ${tokenLengthMin} to ${tokenLengthMax} printable ASCII characters without spaces, for example of: openssl rand -hex 32`,
  });
}

export class Access {
  readonly #token: Buffer | undefined;
  readonly #cookie: string | undefined;

  /** @param token undefined: everybody may */
  constructor(token: string | undefined) {
    this.#token = token === undefined ? undefined : digest(token);
    this.#cookie = token === undefined ? undefined : cookieOf(token);
  }

  get tokenNeeded(): boolean {
    return this.#token !== undefined;
  }

  isToken(given: string): boolean {
    return this.#token === undefined || timingSafeEqual(digest(given), this.#token);
  }

  isAuthorised(headers: IncomingHttpHeaders): boolean {
    if (this.#token === undefined) return true;
    const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? "")?.[1];
    if (bearer !== undefined) return this.isToken(bearer);
    const cookie = readCookie(headers.cookie ?? "", cookieName);
    return cookie !== undefined && cookie === this.#cookie;
  }

  /** @throws Refusal 401 */
  require(headers: IncomingHttpHeaders): void {
    if (this.isAuthorised(headers)) return;
    throw new Refusal(401, "permission_denied", "this console needs its token: log in, or send it as a Bearer token");
  }

  /** Set-Cookie of a login. */
  get cookie(): string {
    return `${cookieName}=${this.#cookie ?? ""}; ${cookieAttributes}; Max-Age=2592000`;
  }
}

/** Set-Cookie of a logout. */
export const noCookie = `${cookieName}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0`;
const cookieAttributes = "HttpOnly; SameSite=Strict; Path=/";

/**
 * Refuses what another site's page had a browser send, and changes that a form could have sent.
 *
 * @throws Refusal 403
 */
export function requireOwnPage(method: string, headers: IncomingHttpHeaders): void {
  // Another port of this machine is the same site to browsers, and still none of ours.
  const from = headers["sec-fetch-site"];
  if (from !== undefined && from !== "same-origin" && from !== "none") {
    throw new Refusal(403, "permission_denied", "the request comes from a page of another site");
  }
  if (method === "GET" || method === "HEAD" || headers[changeHeader] !== undefined) return;
  throw new Refusal(403, "permission_denied", "requests that change something carry the header X-QuorumFS-Console: 1");
}

function readCookie(header: string, name: string): string | undefined {
  for (const part of header.split(";")) {
    const [key, value] = part.trim().split("=", 2);
    if (key === name) return value;
  }
  return undefined;
}

/** Of one length, whatever was given. */
function digest(text: string): Buffer {
  return createHmac("sha256", "quorumfs-console").update(text).digest();
}

function cookieOf(token: string): string {
  return createHmac("sha256", token).update("quorumfs-console cookie").digest("base64url");
}
