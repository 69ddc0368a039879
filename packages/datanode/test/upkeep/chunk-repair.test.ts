import { expect, test } from "@jest/globals";
import { bucketId, QuorumError } from "@quorumfs/core";
import type { ChunkKey } from "../../src/chunk/chunk-key.js";
import type { ChunkContent, ChunkIntake } from "../../src/chunk/chunk-store.js";
import type { FetchOptions } from "../../src/content/chunk-fetch.js";
import { ChunkRepair } from "../../src/upkeep/chunk-repair.js";

const key: ChunkKey = { owner: { bucket: bucketId(1), path: "a" }, upload: new Uint8Array(16), index: 0 };
const content: ChunkContent = { size: 10, checksum: 1 };
const never = new AbortController().signal;

type State = "intact" | "damaged" | "gone";

/** A chunk that is `before`, and `after` once a copy was put in its place. */
function subject(before: State, after: State = "intact") {
  const replaced: ChunkContent[] = [];
  let isReplaced = false;
  const intake: ChunkIntake = {
    write: async () => undefined,
    commit: async () => {
      isReplaced = true;
    },
    discard: async () => undefined,
  };
  const repair = new ChunkRepair({
    store: {
      verify: async () => (isReplaced ? after : before),
      replace: async (_key, found) => {
        replaced.push(found);
        return intake;
      },
    },
    fetch: {
      fetch: async (_key, { into, signal }: FetchOptions) => {
        const target = await into(content, signal);
        if (target !== "held") await target.commit();
      },
    },
  });
  return { repair, replaced };
}

test("a damaged chunk is replaced, and repaired once the copy was read back", async () => {
  const { repair, replaced } = subject("damaged");
  expect(await repair.repair(key, never)).toBe("repaired");
  expect(replaced).toEqual([content]);
});

test("the copy is damaged as well: not repaired", async () => {
  expect(await subject("damaged", "damaged").repair.repair(key, never)).toBe("failed");
});

test("the chunk went while it was fetched: nothing was repaired", async () => {
  expect(await subject("damaged", "gone").repair.repair(key, never)).toBe("gone");
});

test("the chunk is gone: nothing is fetched", async () => {
  const { repair, replaced } = subject("gone");
  expect(await repair.repair(key, never)).toBe("gone");
  expect(replaced).toEqual([]);
});

test("the chunk was stored anew meanwhile: nothing is fetched", async () => {
  const { repair, replaced } = subject("intact");
  expect(await repair.repair(key, never)).toBe("repaired");
  expect(replaced).toEqual([]);
});

test("no replica has it: the error says so", async () => {
  const failure = new QuorumError({ code: "not_found", message: "no other replica has it" });
  const store = { verify: async () => "damaged" as const, replace: () => Promise.reject(failure) };
  const repair = new ChunkRepair({ store, fetch: { fetch: () => Promise.reject(failure) } });
  await expect(repair.repair(key, never)).rejects.toBe(failure);
});
