import { describe, expect, test } from "@jest/globals";
import { blockBytes, type NodeId, nodeId, QuorumError } from "@quorumfs/core";
import { crc32c } from "@quorumfs/runtime";
import type { ChunkContent, ChunkIntake } from "../../src/chunk/chunk-store.js";
import { ChunkFetch, type FetchOptions } from "../../src/content/chunk-fetch.js";
import { noise, owner, upload } from "./fixture.js";

const bytes = noise(3 * blockBytes, 1);
const other = noise(3 * blockBytes, 2);
const key = { owner, upload: upload(1), index: 4 };
const contentOf = (of: Uint8Array): ChunkContent => ({ size: of.length, checksum: crc32c(of) });

/** What a node has, and what it sends when it is read; an error for a node that fails. */
interface Source {
  readonly says: Uint8Array | QuorumError | undefined;
  readonly sends?: Uint8Array | QuorumError;
}

class Subject {
  readonly read: NodeId[] = [];
  readonly intakes: { bytes: Uint8Array[]; end: "open" | "committed" | "discarded" }[] = [];
  /** Nodes that are no replicas; they are among the sources, too. */
  elsewhere: readonly NodeId[] = [];
  readonly #fetch: ChunkFetch;

  /** @param sources of the nodes 2, 3, …; node 1 is this one */
  constructor(...sources: readonly Source[]) {
    const sourceOf = (node: NodeId) => {
      const source = sources[node - 2];
      if (!source) throw new Error(`node ${node} is not to be asked`);
      return source;
    };
    this.#fetch = new ChunkFetch({
      peers: {
        stat: async (node) => {
          const { says } = sourceOf(node);
          if (says instanceof QuorumError) throw says;
          return [says && contentOf(says)];
        },
        read: (node) => this.#send(node, sourceOf(node)),
      },
      places: {
        nearestFirst: () => [1, ...sources.map((_, index) => index + 2)].map(nodeId),
        elsewhere: () => this.elsewhere,
      },
      isLocal: (node) => node === 1,
    });
  }

  async *#send(node: NodeId, { says, sends = says }: Source): AsyncGenerator<Uint8Array> {
    this.read.push(node);
    if (sends instanceof Uint8Array) {
      yield sends.subarray(0, blockBytes);
      yield sends.subarray(blockBytes);
      return;
    }
    yield bytes.subarray(0, blockBytes);
    throw sends ?? new Error("it has nothing to send");
  }

  fetch(more: Partial<FetchOptions> = {}): Promise<void> {
    const into = async (): Promise<ChunkIntake> => {
      const intake: Subject["intakes"][number] = { bytes: [], end: "open" };
      this.intakes.push(intake);
      return {
        write: async (part) => void intake.bytes.push(Uint8Array.from(part)),
        commit: async () => void (intake.end = "committed"),
        discard: async () => void (intake.end = "discarded"),
      };
    };
    return this.#fetch.fetch(key, { into, signal: new AbortController().signal, ...more });
  }
}

const broken = new QuorumError({ code: "corrupt", message: "a block does not match its checksum" });
const gone = new QuorumError({ code: "unavailable", message: "connection refused" });

describe("fetching a chunk from its other replicas", () => {
  test("takes it from the first that has it", async () => {
    const subject = new Subject({ says: undefined }, { says: bytes }, { says: bytes });
    await subject.fetch();
    expect(subject.read).toEqual([3]);
    expect(subject.intakes).toMatchObject([{ end: "committed" }]);
    expect(Buffer.concat(subject.intakes[0]?.bytes ?? []).equals(bytes)).toBe(true);
  });

  test("a replica that fails in the middle is left for the next one; nothing is left of its part", async () => {
    const subject = new Subject({ says: bytes, sends: broken }, { says: bytes });
    await subject.fetch();
    expect(subject.read).toEqual([2, 3]);
    expect(subject.intakes.map(({ end }) => end)).toEqual(["discarded", "committed"]);
  });

  test("bytes that are whole but others are not stored", async () => {
    const subject = new Subject({ says: bytes, sends: other });
    await expect(subject.fetch()).rejects.toMatchObject({ code: "corrupt" });
    expect(subject.intakes.map(({ end }) => end)).toEqual(["discarded"]);
  });

  test("where it is known what the chunk has, who says otherwise is not asked", async () => {
    const subject = new Subject({ says: other }, { says: bytes });
    await subject.fetch({ expected: contentOf(bytes) });
    expect(subject.read).toEqual([3]);
  });

  test("held by now: nothing is sent", async () => {
    const subject = new Subject({ says: bytes });
    await subject.fetch({ into: async () => "held" });
    expect(subject.read).toEqual([]);
  });

  test("nobody has it: not found; nobody can be asked: unavailable", async () => {
    await expect(new Subject({ says: undefined }, { says: gone }).fetch()).rejects.toMatchObject({
      code: "unavailable",
    });
    await expect(new Subject({ says: undefined }).fetch()).rejects.toMatchObject({ code: "not_found" });
  });

  test("no room here: ends at once, for the next replica would not help", async () => {
    const subject = new Subject({ says: bytes }, { says: bytes });
    const full = new QuorumError({ code: "resource_exhausted", message: "the disk is full" });
    const into = async (): Promise<ChunkIntake> => ({
      write: () => Promise.reject(full),
      commit: () => Promise.resolve(),
      discard: () => Promise.resolve(),
    });
    await expect(subject.fetch({ into })).rejects.toBe(full);
    expect(subject.read).toEqual([2]);
  });
});
