import type { WorkloadRun, WorkloadView } from "../api.js";
import { readJson } from "../server/body.js";
import { Refusal } from "../server/refusal.js";
import { workloadRequest } from "../workload/workload-request.js";
import type { WorkloadRunner } from "../workload/workload-runner.js";
import type { Routes } from "./route.js";

export function workloadRoutes(runner: WorkloadRunner): Routes {
  return {
    "GET /api/workload": async (): Promise<WorkloadView> => runner.view,
    "POST /api/workload": async ({ request, response, clock }): Promise<WorkloadRun> => {
      const wanted = workloadRequest(await readJson(request, clock));
      const run = runner.start(wanted);
      if (!run) throw new Refusal(409, "precondition_failed", "a workload runs already: wait for its end, or stop it");
      response.statusCode = 202;
      return run;
    },
    "DELETE /api/workload": async ({ response }): Promise<WorkloadRun> => {
      const run = runner.stop();
      if (!run) throw new Refusal(404, "not_found", "no workload runs");
      response.statusCode = 202;
      return run;
    },
  };
}
