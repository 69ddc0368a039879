/** State queries against a deliberately dumb oracle, which has all copies in one list. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { assignmentOf, bucketId, comparePaths, firstLayout, type Layout } from "@quorumfs/core";
import {
  ClusterServiceService,
  FileHealth,
  type FileState,
  GetFileSystemStateRequest,
  ListFilesOnNodeRequest,
  type StateSummary,
} from "@quorumfs/proto";
import fc from "fast-check";
import { layoutFromWire } from "../../src/cluster/layout-wire.js";
import { fileMessages } from "../../src/state/file-messages.js";
import type { FakeFile } from "../support/fake-data-node.js";
import { Fixture } from "./fixture.js";

const nodes = [1, 2, 3, 4, 5];
const bucketNames = ["archive", "files"];
const idOf = (bucket: string): number => (bucket === "files" ? 1 : 2);

let fixture: Fixture;

beforeAll(async () => {
  fixture = new Fixture({ initialNodes: nodes.length });
  await fixture.start();
  await fixture.startNodes(nodes.length);
  await fixture.createBucket("archive");
});

afterAll(() => fixture.stop());

interface Copy extends FakeFile {
  readonly node: number;
}

interface Query {
  readonly bucket: string;
  readonly prefix: string;
  readonly sizes: { readonly min: number; readonly max?: number };
  readonly health: FileHealth;
  readonly assignedTo: number;
  readonly heldBy: number;
}

interface Answer {
  readonly files: readonly FileState[];
  readonly summary: StateSummary;
}

async function layoutNow(): Promise<Layout> {
  const { layout } = await fixture.cluster();
  return layout ? layoutFromWire(layout) : firstLayout([], 0);
}

const sizeOf = (counter: number): number => counter * 10;

function expectedOf(copies: readonly Copy[], query: Query, known: { layout: Layout; up: readonly number[] }): Answer {
  const files: FileState[] = [];
  let underReplicated = 0;
  for (const bucket of bucketNames) {
    if (query.bucket !== "" && query.bucket !== bucket) continue;
    const paths = [...new Set(copies.filter((copy) => copy.bucket === idOf(bucket)).map(({ path }) => path))];
    for (const path of paths.sort(comparePaths)) {
      const { nodes: voters, joining } = assignmentOf(known.layout, bucketId(idOf(bucket)), path);
      const assigned = [...voters, ...joining].map(Number);
      const counting = copies.filter(
        (copy) =>
          copy.bucket === idOf(bucket) &&
          copy.path === path &&
          assigned.includes(copy.node) &&
          known.up.includes(copy.node),
      );
      const newest = counting.filter(({ corrupt }) => !corrupt).sort((a, b) => b.counter - a.counter)[0];
      if (counting.length === 0 || newest?.tombstone === true) continue;
      const isHolder = (copy: Copy) => newest !== undefined && !copy.corrupt && copy.counter === newest.counter;
      const byId = (some: readonly Copy[]) => some.map(({ node }) => node).sort((a, b) => a - b);
      const holders = byId(counting.filter(isHolder));
      const behind = byId(counting.filter((copy) => !isHolder(copy)));
      const lacks = voters.filter((node) => holders.includes(node)).length < 3;
      const counter = newest?.counter ?? 0;
      const size = newest?.size ?? 0;
      if (!path.startsWith(query.prefix) || size < query.sizes.min || size > (query.sizes.max ?? Infinity)) continue;
      if (query.health === FileHealth.FILE_HEALTH_COMPLETE && lacks) continue;
      if (query.health === FileHealth.FILE_HEALTH_UNDER_REPLICATED && !lacks) continue;
      if (query.assignedTo !== 0 && !assigned.includes(query.assignedTo)) continue;
      if (query.heldBy !== 0 && !holders.includes(query.heldBy) && !behind.includes(query.heldBy)) continue;
      if (lacks) underReplicated += 1;
      const etag = Buffer.alloc(32);
      files.push({ bucket, path, version: counter, size, etag, holders, behind, modifiedAtMs: counter });
    }
  }
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const unreachable = nodes.filter((node) => !known.up.includes(node));
  return { files, summary: { files: files.length, bytes, underReplicated, unreachable, truncated: false } };
}

interface Page {
  readonly afterBucket?: string;
  readonly afterPath?: string;
  readonly limit?: number;
  readonly totalsOnly?: boolean;
  readonly columns?: boolean;
}

async function ask(query: Query, page: Page = {}): Promise<Answer> {
  const { bucket, prefix, sizes, health, assignedTo, heldBy } = query;
  const { min: sizeMin, max } = sizes;
  const filter = { bucket, prefix, sizeMin, health, node: assignedTo, ...(max === undefined ? {} : { sizeMax: max }) };
  const messages =
    heldBy === 0
      ? fixture.channel.serverStream(
          ClusterServiceService.getFileSystemState,
          GetFileSystemStateRequest.fromPartial({ filter, ...page }),
          {},
        )
      : fixture.channel.serverStream(
          ClusterServiceService.listFilesOnNode,
          ListFilesOnNodeRequest.fromPartial({ filter, ...page, nodeId: heldBy }),
          {},
        );
  const files: FileState[] = [];
  for await (const message of messages) {
    files.push(...message.files, ...(message.page ? [...fileMessages(message.page)].flat() : []));
    if (message.summary) return { files, summary: message.summary };
  }
  throw new Error("no summary");
}

async function askInPages(query: Query, limit: number): Promise<readonly FileState[]> {
  const files: FileState[] = [];
  for (let place: Page = {}; ;) {
    const page = await ask(query, { ...place, limit, columns: true });
    expect(page.files.length).toBeLessThanOrEqual(limit);
    expect(page.summary.files).toBe(page.files.length);
    files.push(...page.files);
    const last = page.files.at(-1);
    if (!last || !page.summary.truncated) return files;
    place = { afterBucket: last.bucket, afterPath: last.path };
  }
}

const paths = fc.string({ unit: fc.constantFrom("a", "b", "é", "\u{10000}", "\uffee"), minLength: 1, maxLength: 3 });
/** Most files are the same everywhere, as they are in life; of the others each node has what it likes. */
const fate = fc.oneof(
  { weight: 3, arbitrary: fc.constant("same" as const) },
  { weight: 1, arbitrary: fc.constant("various" as const) },
);
const copyOf = fc.record({
  counter: fc.integer({ min: 1, max: 3 }),
  tombstone: fc.nat(7).map((roll) => roll === 0),
  corrupt: fc.nat(7).map((roll) => roll === 0),
  isThere: fc.nat(4).map((roll) => roll > 0),
});
const file = fc.record({
  bucket: fc.constantFrom(1, 2),
  path: paths,
  fate,
  counter: fc.integer({ min: 1, max: 3 }),
  various: fc.array(copyOf, { minLength: 5, maxLength: 5 }),
});
const contents = fc.uniqueArray(file, { selector: ({ bucket, path }) => `${bucket}/${path}`, maxLength: 30 });
const query: fc.Arbitrary<Query> = fc.record({
  bucket: fc.constantFrom("", "files", "archive"),
  prefix: fc.oneof({ weight: 3, arbitrary: fc.constant("") }, { weight: 1, arbitrary: paths }),
  sizes: fc.constantFrom<Query["sizes"]>({ min: 0 }, { min: 0 }, { min: 20 }, { min: 0, max: 20 }, { min: 0, max: 0 }),
  health: fc.constantFrom(
    FileHealth.FILE_HEALTH_UNSPECIFIED,
    FileHealth.FILE_HEALTH_COMPLETE,
    FileHealth.FILE_HEALTH_UNDER_REPLICATED,
  ),
  assignedTo: fc.constantFrom(0, 0, 2),
  heldBy: fc.constantFrom(0, 0, 3),
});
const scene = fc.record({
  contents,
  query,
  windowRecords: fc.integer({ min: 1, max: 9 }),
  limit: fc.integer({ min: 1, max: 7 }),
});
type Scene = typeof scene extends fc.Arbitrary<infer T> ? T : never;

function play({ contents: some, windowRecords }: Scene, layout: Layout): readonly Copy[] {
  const copies = some.flatMap(({ bucket, path, fate: how, counter, various }): Copy[] => {
    const { nodes: voters } = assignmentOf(layout, bucketId(bucket), path);
    if (how === "same") return voters.map((node) => ({ node, bucket, path, counter, size: sizeOf(counter) }));
    return various.flatMap((copy, index) => {
      if (!copy.isThere) return [];
      const { counter: own, tombstone, corrupt } = copy;
      // One version is either a file or its deletion.
      const isTombstone = tombstone && own === 2;
      const isFile = !isTombstone && !corrupt;
      if (own === 2 && isFile && various.some((other) => other.tombstone && other.counter === 2)) return [];
      return [
        {
          node: index + 1,
          bucket,
          path,
          counter: own,
          size: isFile ? sizeOf(own) : 0,
          tombstone: isTombstone,
          corrupt,
        },
      ];
    });
  });
  for (const node of nodes) {
    fixture.node(node).files = copies.filter((copy) => copy.node === node);
    fixture.node(node).windowRecords = windowRecords;
  }
  return copies;
}

async function compare(up: readonly number[]): Promise<void> {
  const layout = await layoutNow();
  await fc.assert(
    fc.asyncProperty(scene, async (given) => {
      const copies = play(given, layout);
      const expected = expectedOf(copies, given.query, { layout, up });
      expect(await ask(given.query)).toEqual(expected);
      expect(await ask(given.query, { columns: true })).toEqual(expected);
      expect((await ask(given.query, { totalsOnly: true })).summary).toEqual(expected.summary);
      expect(await askInPages(given.query, given.limit)).toEqual(expected.files);
    }),
    { numRuns: 60 },
  );
}

describe("state queries agree with a dumb oracle (5 nodes, N=3)", () => {
  test("all nodes up", async () => {
    await compare(nodes);
  });

  test("one node down", async () => {
    await fixture.node(4).kill();
    await fixture.clock.advance(4000);
    await compare([1, 2, 3, 5]);
  });

  test("partitions are spread, so that this test means something", async () => {
    const layout = await layoutNow();
    expect(new Set(layout.partitions.map(({ nodes: voters }) => [...voters].sort().join())).size).toBe(10);
  });
});
