import { setMaxListeners } from "node:events";
import { type Channel, QuorumError } from "@quorumfs/core";
import { callWith, type MaintenanceOptions } from "../options.js";

/** The DataNodes of the cluster by id, with a way to each. */
export type MaintainedNodes = () => ReadonlyMap<number, { readonly channel: Channel }>;

export type NodeAnswer<Answer> =
  | { readonly node: number; readonly answer: Answer; readonly error?: undefined }
  | { readonly node: number; readonly answer?: undefined; readonly error: QuorumError };

/**
 * Asks DataNodes at the same time, all or those that were named.
 *
 * @returns what each said, by id, since some may be away
 * @throws QuorumError `invalid_argument` if there is no such node
 */
export async function askNodes<Answer>(
  nodes: MaintainedNodes,
  options: MaintenanceOptions,
  ask: (channel: Channel, call: ReturnType<typeof callWith>) => Promise<Answer>,
): Promise<readonly NodeAnswer<Answer>[]> {
  const known = nodes();
  // Every call listens to it; on the caller's own signal Node would take more than ten of them for a leak.
  const shared = new AbortController();
  setMaxListeners(0, shared.signal);
  const giveUp = (): void => shared.abort();
  options.signal?.addEventListener("abort", giveUp, { once: true });
  if (options.signal?.aborted === true) giveUp();
  const call = { ...callWith(options), signal: shared.signal };
  const asked = (options.nodes ?? [...known.keys()]).map(async (node): Promise<NodeAnswer<Answer>> => {
    const way = known.get(node);
    if (!way) {
      throw new QuorumError({ code: "invalid_argument", message: `the cluster has no DataNode ${node}` });
    }
    try {
      return { node, answer: await ask(way.channel, call) };
    } catch (thrown) {
      return { node, error: QuorumError.from(thrown) };
    }
  });
  try {
    return (await Promise.all(asked)).sort((a, b) => a.node - b.node);
  } finally {
    options.signal?.removeEventListener("abort", giveUp);
  }
}
