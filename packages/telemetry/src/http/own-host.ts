/**
 * Whether a request was meant for this server. A page from anywhere can make its reader's browser send requests to a server on
 * that machine, and by a name that it lets point there (DNS rebinding) even read the answers. What it cannot do is choose
 * the Host and Origin that the browser puts into them.
 */

/** Whether only this machine reaches what listens there. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  return name === "localhost" || name === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name);
}

export interface AskedOf {
  /** Headers as they came. */
  readonly host: string | undefined;
  readonly origin: string | undefined;
}

/**
 * @param names further names under which the server is known; where it does not listen on loopback and has none, any name is
 *   its own
 * @returns what is wrong with the request, for people; undefined: nothing
 */
export function foreignness(
  { host, origin }: AskedOf,
  server: { readonly listensOn: string; readonly names: readonly string[] },
): string | undefined {
  if (host === undefined) return "the request does not say which host it is for";
  const name = hostNameOf(host);
  const { listensOn, names } = server;
  const known = isLoopback(name) || names.includes(name) || (!isLoopback(listensOn) && names.length === 0);
  if (!known) return "this server is not known by the name in the request's Host";
  if (origin === undefined) return undefined;
  if (!URL.canParse(origin) || new URL(origin).host !== hostOf(host))
    return "the request comes from a page of another site";
  return undefined;
}

/** As URLs write it: without the port that `http` implies, in lower case. */
function hostOf(host: string): string {
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).host : "";
}

function hostNameOf(host: string): string {
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : "";
}
