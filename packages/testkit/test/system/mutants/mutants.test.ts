import { afterAll, describe, expect, test } from "@jest/globals";
import type { SystemPlan } from "../../../src/system/plan/system-plan.js";
import { runSystem } from "../../../src/system/run-system.js";
import { buildSystemMutant, type SystemPatch } from "./build-system-mutant.js";
import { appends, blackouts, exchanges, replacements, rollbacks, uploads } from "./plans.js";

interface SystemMutant {
  /** The rule that is taken out. */
  readonly rule: string;
  readonly patches: readonly SystemPatch[];
  readonly plan: (seed: number) => SystemPlan;
  /** Within so many seeds, from 1, it is caught. */
  readonly seedsMax: number;
}

const mutants: readonly SystemMutant[] = [
  {
    rule: "a replica answers when its vote is on the disk, not before",
    patches: [
      {
        file: "datanode/src/replica/vote-batches.ts",
        find: "this.#options.disk.commit(batch.writes).then(",
        replace: "(this.#options.disk.commit(batch.writes).catch(() => undefined), Promise.resolve()).then(",
      },
    ],
    plan: blackouts,
    seedsMax: 20,
  },
  {
    rule: "a node that joins a partition has its records before it says so",
    patches: [
      {
        file: "datanode/src/handover/record-takeover.ts",
        find: "await this.#takeAll(pass, window.files, window, signal);",
        replace: "",
      },
    ],
    plan: replacements,
    seedsMax: 20,
  },
  {
    rule: "a move ends when all of the new nodes have taken over, not before",
    patches: [
      {
        file: "supernode/src/layout/next-step.ts",
        find: "const behind = assignment.joining.filter((node) => !view.hasSynced(node, partition, assignment.layout));",
        replace: "const behind: readonly NodeId[] = [];",
      },
    ],
    plan: exchanges,
    seedsMax: 5,
  },
  {
    rule: "a node whose disk is older than what the cluster knows of it does not vote",
    patches: [
      {
        file: "supernode/src/cluster/joining.ts",
        find: "if (sign === undefined) return;",
        replace: "return;",
      },
    ],
    plan: rollbacks,
    seedsMax: 5,
  },
  {
    rule: "chunks that a version replaces are retired",
    patches: [
      {
        file: "core/src/content/retention.ts",
        find: 'if (upload.kind === "kept") return "retire";',
        replace: 'if (upload.kind === "kept") return "leave";',
      },
    ],
    plan: uploads,
    seedsMax: 3,
  },
  {
    rule: "an upload that no version has named is looked after when its lease is over",
    patches: [
      {
        file: "datanode/src/content/owner-checks.ts",
        find: 'await this.#isDone("lapsed", (signal) => this.#options.walks.lapsed(signal));',
        replace: "",
      },
    ],
    plan: uploads,
    seedsMax: 5,
  },
  {
    rule: "an append takes effect only if nobody was faster",
    patches: [
      {
        file: "client/src/transfer/file-append.ts",
        find: "mayBeRepeated: true, seenVersion: 0, condition }",
        replace: "mayBeRepeated: true, seenVersion: 0, condition: undefined }",
      },
    ],
    plan: appends,
    seedsMax: 5,
  },
];

const timeoutMs = 300_000;

describe("without this rule some run goes wrong", () => {
  const caughtBy: string[] = [];
  afterAll(() => {
    process.stdout.write(`seed  rule that was taken out\n${caughtBy.join("\n")}\n`);
  });

  test.each(mutants)(
    "$rule",
    async ({ rule, patches, plan, seedsMax }) => {
      const run = await buildSystemMutant(patches);
      let caught: { seed: number; violation: string } | undefined;
      for (let seed = 1; seed <= seedsMax && !caught; seed += 1) {
        const { violation } = await run(plan(seed));
        if (violation !== undefined) caught = { seed, violation };
      }
      expect(caught).toBeDefined();
      caughtBy.push(`${String(caught?.seed).padStart(4)}  ${rule}: ${caught?.violation.split("\n")[0]}`);
    },
    timeoutMs,
  );

  test.each([
    ["blackouts", blackouts],
    ["replacements", replacements],
    ["rollbacks", rollbacks],
    ["exchanges", exchanges],
    ["uploads", uploads],
    ["appends", appends],
  ])(
    "with all rules nothing does: %s",
    async (_, plan) => {
      for (let seed = 1; seed <= 3; seed += 1) {
        const { violation } = await runSystem(plan(seed));
        expect({ seed, violation }).toEqual({ seed, violation: undefined });
      }
    },
    300_000,
  );

  test("a disk that lies about what is durable is noticed", async () => {
    let caught: string | undefined;
    for (let seed = 1; seed <= 20 && caught === undefined; seed += 1) {
      const { violation } = await runSystem(blackouts(seed), {
        prepare: ({ dataNodes }) => {
          for (const { volume } of dataNodes) volume.lies = true;
        },
      });
      caught = violation;
    }
    expect(caught).toBeDefined();
  }, 300_000);
});
