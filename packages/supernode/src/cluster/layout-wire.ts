import { type Layout, nodeId } from "@quorumfs/core";
import type { Layout as LayoutMessage } from "@quorumfs/proto";

export function layoutToWire(layout: Layout): LayoutMessage {
  return {
    number: layout.number,
    replicas: layout.replicas,
    partitions: layout.partitions.map(({ nodes, joining, layout: number }) => ({
      nodes: [...nodes],
      joining: [...joining],
      layout: number,
    })),
  };
}

export function layoutFromWire(message: LayoutMessage): Layout {
  return {
    number: message.number,
    replicas: message.replicas,
    partitions: message.partitions.map(({ nodes, joining, layout }) => ({
      nodes: nodes.map(nodeId),
      joining: joining.map(nodeId),
      layout,
    })),
  };
}
