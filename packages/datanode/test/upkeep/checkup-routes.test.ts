import { describe, expect, it } from "@jest/globals";
import type { CallContext } from "@quorumfs/core";
import { MaintenanceServiceService as service } from "@quorumfs/proto";
import { systemClock } from "@quorumfs/runtime";
import { type Checkup, checkupRoutes } from "../../src/upkeep/checkup-routes.js";

const context: CallContext = { peer: "test", identity: new Map(), signal: new AbortController().signal };
const clock = { ...systemClock(), wallMs: () => 1234 };

async function call(checkup: Checkup | undefined, path: string, request: unknown): Promise<unknown> {
  const route = checkupRoutes(checkup, clock).find(({ method }) => method.path === path);
  if (route?.kind !== "unary") throw new Error(`there is no ${path}`);
  return route.handle(request, context);
}

function checkupOf(tookMs: readonly number[]) {
  const asked: number[] = [];
  const checkup: Checkup = {
    processFacts: () => ({ runtimeVersion: "v22.1.0", filesOpen: 5, filesMax: 100 }),
    diskProbe: {
      measure: async (files) => {
        asked.push(files);
        return tookMs;
      },
    },
  };
  return { asked, checkup };
}

describe("DescribeProcess", () => {
  it("the wall clock and what the process runs on", async () => {
    const { checkup } = checkupOf([]);
    expect(await call(checkup, service.describeProcess.path, {})).toEqual({
      process: { wallMs: 1234, runtimeVersion: "v22.1.0", filesOpen: 5, filesMax: 100 },
    });
  });

  it("without a process of its own: the wall clock", async () => {
    expect(await call(undefined, service.describeProcess.path, {})).toEqual({
      process: { wallMs: 1234, runtimeVersion: "", filesOpen: 0, filesMax: 0 },
    });
  });
});

describe("ProbeDisk", () => {
  it("20 files unless another number is asked for; microseconds", async () => {
    const { asked, checkup } = checkupOf([0.5, 1.2345]);
    expect(await call(checkup, service.probeDisk.path, { files: 0 })).toEqual({ tookUs: [500, 1235] });
    await call(checkup, service.probeDisk.path, { files: 100 });
    expect(asked).toEqual([20, 100]);
  });

  it("more than 100: refused, nothing is written", async () => {
    const { asked, checkup } = checkupOf([]);
    await expect(call(checkup, service.probeDisk.path, { files: 101 })).rejects.toMatchObject({
      code: "invalid_argument",
    });
    expect(asked).toEqual([]);
  });

  it("without a disk to measure: said so", async () => {
    await expect(call(undefined, service.probeDisk.path, { files: 1 })).rejects.toMatchObject({ code: "unavailable" });
  });
});
