import { type Route, unaryRoute } from "@quorumfs/core";
import { FileServiceService, ReplicaServiceService } from "@quorumfs/proto";
import { callerOf } from "../replica/caller.js";
import type { ReplicaContext } from "../replica/replica-context.js";
import { checkTarget } from "../replica/wire-check.js";
import type { Explainer } from "./explainer.js";
import type { Inspector } from "./inspector.js";

/** `FileService.Explain`, for clients; `ReplicaService.Inspect`, for members of the cluster. */
export function explainRoutes(options: {
  readonly explainer: Explainer;
  readonly inspector: Inspector;
  readonly context: ReplicaContext;
}): readonly Route[] {
  const { explainer, inspector, context } = options;
  return [
    unaryRoute(FileServiceService.explain, (request, { signal }) => explainer.explain(request, signal)),
    unaryRoute(ReplicaServiceService.inspect, async (request, call) => {
      callerOf(call, context);
      const target = { ...checkTarget(request.bucket, request.path), layout: request.layout };
      return { copy: await inspector.inspect(target) };
    }),
  ];
}
