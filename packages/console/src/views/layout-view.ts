import type { LayoutChange, QuorumFs } from "@quorumfs/client";
import type { LayoutChangeView, LayoutView } from "../api.js";

/** Asks for all that there is to say about the layout. */
export async function layoutView(client: QuorumFs, signal: AbortSignal): Promise<LayoutView> {
  const [layout, partitions, history, status] = await Promise.all([
    client.layout.show({ signal }),
    client.layout.partitions({ signal }),
    client.layout.history({ signal }),
    client.status({ signal }),
  ]);
  const change = layout.change ?? history[0];
  return {
    number: layout.number ?? null,
    replicas: status.replicas,
    partitions,
    shares: layout.shares.map(({ node, partitions: held, preferred, idealPartitions }) => ({
      node,
      partitions: held,
      preferred,
      idealPartitions,
    })),
    change: change ? changeView(change) : null,
  };
}

function changeView(change: LayoutChange): LayoutChangeView {
  const { id, state, reason, movesTotal, movesDone, moving, bytesTotal, obstacles } = change;
  return {
    id,
    state,
    reason,
    startedAtMs: change.startedAt.getTime(),
    endedAtMs: change.endedAt?.getTime() ?? null,
    movesTotal,
    movesDone,
    moving,
    bytesTotal,
    remainingMs: change.remainingMs ?? null,
    obstacles,
  };
}
