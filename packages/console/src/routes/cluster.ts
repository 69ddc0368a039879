import type { ClusterView, EventPage, LayoutView } from "../api.js";
import { severities } from "../api-values.js";
import { eventsShown } from "../live/upstream.js";
import { invalid } from "../server/refusal.js";
import { clusterView } from "../views/cluster-view.js";
import { eventView } from "../views/event-view.js";
import { layoutView } from "../views/layout-view.js";
import type { Routes } from "./route.js";

const eventsMax = 1000;
const kindsMax = 20;

/** What the SuperNode tells of the cluster. */
export const clusterRoutes: Routes = {
  "GET /api/cluster": async ({ client, clock, signal }): Promise<ClusterView> => {
    const status = await (await client()).status({ signal });
    return clusterView(status, clock.wallMs());
  },
  "GET /api/layout": async ({ client, signal }): Promise<LayoutView> => layoutView(await client(), signal),
  "GET /api/events": async ({ client, query, signal }): Promise<EventPage> => {
    const before = query.whole("before");
    const node = query.whole("node", 0xffff_ffff);
    const severity = query.text("severity") ?? "";
    const worst = severities.find((each) => each === severity);
    if (severity !== "" && worst === undefined) throw invalid(`severity must be one of ${severities.join(", ")}`);
    const page = await (
      await client()
    ).events({
      limit: query.whole("limit", eventsMax) ?? eventsShown,
      kinds: query.list("kinds").slice(0, kindsMax),
      ...(before !== undefined && { before }),
      ...(node !== undefined && { node }),
      ...(worst !== undefined && { severity: worst }),
      signal,
    });
    return { events: page.events.map(eventView), more: page.more };
  },
};
