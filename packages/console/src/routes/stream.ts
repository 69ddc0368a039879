import type { Hub } from "../live/hub.js";
import type { Routes } from "./route.js";

export function streamRoutes(hub: Hub): Routes {
  return {
    "GET /api/stream": async ({ request, response }) => {
      if (request.method === "HEAD") response.statusCode = 204;
      else hub.join(response);
    },
  };
}
