import type { About } from "../api.js";
import { type Access, noCookie } from "../server/access.js";
import { Fields, readJson } from "../server/body.js";
import { Refusal } from "../server/refusal.js";
import type { Routes } from "./route.js";

/** Those that the unauthorised may ask, too. */
export const openRoutes: ReadonlySet<string> = new Set(["GET /api/about", "POST /api/login", "POST /api/logout"]);

/** Who is asked, who asks, and by what right. */
export function sessionRoutes({ access, version }: { access: Access; version: string }): Routes {
  return {
    "GET /api/about": async ({ request, client }): Promise<About> => {
      const { tokenNeeded } = access;
      const authorised = access.isAuthorised(request.headers);
      if (!authorised) return { version: null, clusterId: null, tokenNeeded, authorised };
      const clusterId = await client()
        .then((connected) => connected.status())
        .then(
          (status) => status.clusterId,
          () => null,
        );
      return { version, clusterId, tokenNeeded, authorised };
    },
    "POST /api/login": async ({ request, response, clock }) => {
      const fields = new Fields(await readJson(request, clock), ["token"]);
      if (!access.isToken(fields.text("token") ?? "")) {
        throw new Refusal(403, "permission_denied", "that is not the token of this console");
      }
      if (access.tokenNeeded) response.setHeader("Set-Cookie", access.cookie);
      response.statusCode = 204;
    },
    "POST /api/logout": async ({ response }) => {
      response.setHeader("Set-Cookie", noCookie);
      response.statusCode = 204;
    },
  };
}
