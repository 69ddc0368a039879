import { describe, expect, test } from "@jest/globals";
import type { QuorumFs } from "@quorumfs/client";
import { mix32, QuorumError } from "@quorumfs/core";
import { type LocalCluster, startCluster } from "@quorumfs/local-cluster";
import {
  checkLinearizable,
  formatTimeline,
  type MutationOutcome,
  type Operation,
  type OperationCondition,
} from "@quorumfs/workload-generator";

/**
 * The real services over real gRPC, while nodes die and messages go astray: what clients saw must be what one register
 * per file could have shown them. The simulator looks at far more histories of the same protocol; this one looks at the
 * code around it.
 */
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 32));
const durationMs = 10_000;
const workers = 16;
const files = 6;

/** Whole numbers below a bound, the same for the same seed. */
function numbersFrom(start: number): (bound: number) => number {
  let state = start >>> 0;
  return (bound) => {
    state = (state + 0x9e3779b9) >>> 0;
    return mix32(state) % bound;
  };
}

/** Above the inline limit, so that the value is a manifest and the bytes are in a chunk of their own. */
const largeBytes = 200_000;

/** A content that says which write it is of, all over: one that is put together of two would show. */
function largeContent(value: string): string {
  const line = `${value}\n`;
  return line.repeat(Math.ceil(largeBytes / line.length));
}

/** Which write a content is of; of none, if it is not whole. */
function valueOf(content: Uint8Array): string {
  const text = new TextDecoder().decode(content);
  if (text.length < largeBytes) return text;
  const value = text.slice(0, text.indexOf("\n"));
  return text === largeContent(value) ? value : `torn, beginning with ${value}`;
}

/** Does operations one after the other and writes down what it sees. */
class Worker {
  readonly history: Operation[] = [];
  readonly faults: string[] = [];
  readonly #client: QuorumFs;
  readonly #name: string;
  readonly #draw: (bound: number) => number;
  readonly #versions = new Map<string, number>();
  readonly #large: boolean;
  #writes = 0;

  /** @param options.large every second content is a large one */
  constructor(options: { client: QuorumFs; name: string; seed: number; large: boolean }) {
    this.#client = options.client;
    this.#name = options.name;
    this.#large = options.large;
    this.#draw = numbersFrom(options.seed);
  }

  async runUntil(endMs: number): Promise<void> {
    while (performance.now() < endMs) await this.#step(`files/${this.#draw(files)}`);
  }

  #step(file: string): Promise<void> {
    const kind = this.#draw(10);
    if (kind < 4) return this.read(file);
    if (kind < 5) return this.#delete(file);
    return this.#write(file, this.#condition(file, kind));
  }

  #condition(file: string, kind: number): OperationCondition | undefined {
    if (kind === 8) return { kind: "absent" };
    const version = this.#versions.get(file);
    return kind === 9 && version !== undefined ? { kind: "version", version } : undefined;
  }

  async read(file: string, timeoutMs = 3_000): Promise<void> {
    const base = { kind: "read" as const, file, client: this.#name, startedAt: performance.now() };
    try {
      const { content, file: info } = await this.#client.get(file, { timeoutMs });
      this.#versions.set(file, info.version);
      const value = valueOf(content);
      this.#note({ ...base, endedAt: performance.now(), outcome: { kind: "found", value, version: info.version } });
    } catch (thrown) {
      const code = this.#codeOf(thrown);
      this.#note({
        ...base,
        endedAt: performance.now(),
        outcome: { kind: code === "not_found" ? "absent" : "failed" },
      });
    }
  }

  async #write(file: string, condition: OperationCondition | undefined): Promise<void> {
    this.#writes += 1;
    const value = `${this.#name}-${this.#writes}`;
    const options = {
      timeoutMs: 3_000,
      ...(condition?.kind === "absent" && { ifAbsent: true }),
      ...(condition?.kind === "version" && { ifVersion: condition.version }),
    };
    const startedAt = performance.now();
    const content = this.#large && this.#writes % 2 === 0 ? largeContent(value) : value;
    const outcome = await this.#mutate(async () => (await this.#client.put(file, content, options)).file.version);
    const operation = {
      kind: "write" as const,
      file,
      client: this.#name,
      startedAt,
      endedAt: performance.now(),
      value,
    };
    this.#note({ ...operation, outcome, ...(condition && { condition }) });
    if (outcome.kind === "done" && outcome.version !== undefined) this.#versions.set(file, outcome.version);
  }

  async #delete(file: string): Promise<void> {
    const startedAt = performance.now();
    const outcome = await this.#mutate(async () => (await this.#client.delete(file, { timeoutMs: 3_000 })).version);
    this.#note({ kind: "delete", file, client: this.#name, startedAt, endedAt: performance.now(), outcome });
  }

  async #mutate(mutation: () => Promise<number>): Promise<MutationOutcome> {
    try {
      return { kind: "done", version: await mutation() };
    } catch (thrown) {
      switch (this.#codeOf(thrown)) {
        case "precondition_failed": {
          const { currentVersion } = QuorumError.from(thrown).details;
          return { kind: "condition_failed", ...(currentVersion !== undefined && { currentVersion }) };
        }
        case "not_found":
          return { kind: "condition_failed", currentVersion: 0 };
        case "unknown_outcome":
          return { kind: "unknown" };
        case "unavailable":
        case "quorum_unavailable":
        case "resource_exhausted":
          return { kind: "failed" };
        default:
          throw thrown;
      }
    }
  }

  #codeOf(thrown: unknown): string {
    const { code, message } = QuorumError.from(thrown);
    // Nothing that is done to this cluster damages anything.
    if (code === "corrupt" || code === "internal") this.faults.push(`${code}: ${message}`);
    return code;
  }

  #note(operation: Operation): void {
    this.history.push(operation);
  }
}

/** Makes trouble until it is over; at most a minority of the nodes is dead at any time, while the network may do anything. */
async function trouble(cluster: LocalCluster, draw: (bound: number) => number, endMs: number): Promise<void> {
  const ids = cluster.nodes.map(({ id }) => id);
  const anyNode = () => ids[draw(ids.length)] ?? 1;
  while (performance.now() < endMs) {
    const node = anyNode();
    const others = ids.filter((id) => id !== node);
    switch (draw(9)) {
      case 0:
        cluster.partition([node], others);
        break;
      case 1:
        cluster.partition([node], others, { oneWay: true });
        break;
      case 2:
        cluster.partition(others, [node], { oneWay: true });
        break;
      case 3:
        cluster.partition(["client"], [node]);
        break;
      case 4:
        cluster.dropMessages({ fraction: 0.05 });
        break;
      case 5:
        cluster.delayMessages({ from: node, delayMs: 5, jitterMs: 30 });
        break;
      case 6:
        await cluster.kill("supernode");
        break;
      default: {
        const dead = cluster.nodes.filter(({ running }) => !running);
        if (dead.length < Math.ceil(ids.length / 2) - 1) await cluster.kill(node);
        break;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 100 + draw(900)));
    if (draw(2) === 0) cluster.heal();
    if (draw(2) === 0) await restartAll(cluster);
  }
  cluster.heal();
  await restartAll(cluster);
}

async function restartAll(cluster: LocalCluster): Promise<void> {
  await cluster.restart("supernode");
  const dead = cluster.nodes.filter(({ running }) => !running);
  await Promise.all(dead.map(({ id }) => cluster.restart(id)));
}

/** Only what the files of now are made of is left, and all of it on all replicas. */
async function expectSwept(cluster: LocalCluster): Promise<void> {
  const client = await cluster.client();
  await cluster.waitUntil(
    "orphans are swept, and what is needed is complete",
    async () => {
      let needed = 0;
      for await (const entry of client.list("files"))
        if (entry.kind === "file" && entry.size >= largeBytes) needed += 3;
      const loads = (await client.nodes()).map(({ load }) => load);
      const found = loads.reduce((sum, load) => sum + (load?.chunks ?? 0), 0);
      return found === needed && loads.every((load) => load?.uploadingBytes === 0 && load.reclaimableBytes === 0);
    },
    90_000,
  );
}

describe("real cluster", () => {
  test.each([
    { nodes: 3, replicas: 3, large: false },
    { nodes: 5, replicas: 3, large: false },
    { nodes: 4, replicas: 3, large: true },
  ])(
    `$nodes DataNodes, N=$replicas, large contents: $large: linearizable, whatever happens (seed ${seed})`,
    async ({ nodes, replicas, large }) => {
      // What is overwritten goes almost at once, so that readers meet chunks that are gone.
      const dataNode = { uploadLeaseMs: 12_000, retireAfterMs: 500 };
      await using cluster = await startCluster({ nodes, replicas, seed, dataNode });
      const clients = await Promise.all(Array.from({ length: 4 }, () => cluster.client()));
      const crew = Array.from({ length: workers }, (_, index) => {
        const client = clients[index % clients.length];
        if (!client) throw new Error("there are clients");
        return new Worker({ client, name: `w${index}`, seed: seed + index, large });
      });
      const endMs = performance.now() + durationMs;
      await Promise.all([...crew.map((worker) => worker.runUntil(endMs)), trouble(cluster, numbersFrom(seed), endMs)]);

      await cluster.ready();
      const last = crew[0];
      for (let index = 0; index < files; index += 1) await last?.read(`files/${index}`, 20_000);
      const history = crew.flatMap((worker) => worker.history);
      const done = history.filter(({ outcome }) => ["done", "found", "absent"].includes(outcome.kind)).length;
      const verdict = checkLinearizable(history);
      console.log(`${nodes} DataNodes: ${done} of ${history.length} operations done`);
      if (!verdict.ok) throw new Error(`seed ${seed}, ${verdict.file}:\n${formatTimeline(verdict.minimal)}`);
      expect(done).toBeGreaterThan(large ? 20 : 100);
      // Whatever was left half-done, a healthy cluster reads every file.
      const finalReads = last?.history.slice(-files) ?? [];
      for (const { outcome } of finalReads) expect(["found", "absent"]).toContain(outcome.kind);
      expect(crew.flatMap((worker) => worker.faults)).toEqual([]);
      if (large) await expectSwept(cluster);
    },
    180_000,
  );
});
