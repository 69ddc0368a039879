import { expect, test } from "@jest/globals";
import { QuorumError } from "@quorumfs/core";
import fc from "fast-check";
import { MemoryContentFiles } from "../support/memory-content-files.js";
import { settle } from "../support/step-clock.js";
import { bytesOf, contentOf, keyOf, never, owner, range, TestStore } from "./fixture.js";

const uploads = 3;
const chunks = 4;
const size = 70_000;

/** Content files that take a few turns of the event loop, as a disk does. */
class SlowFiles extends MemoryContentFiles {
  #turns = 0;

  async #wait(): Promise<void> {
    this.#turns = (this.#turns * 5 + 3) % 7;
    for (let turn = 0; turn < this.#turns; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
  }

  override create(name: string) {
    const draft = super.create(name);
    const publish = async (): Promise<string> => {
      await this.#wait();
      return draft.publish();
    };
    return { ...draft, publish };
  }

  override async read(place: string, offset: number, target: Uint8Array): Promise<number | undefined> {
    await this.#wait();
    return super.read(place, offset, target);
  }

  override async remove(places: readonly string[]): Promise<void> {
    await this.#wait();
    return super.remove(places);
  }

  override async quarantine(place: string): Promise<void> {
    await this.#wait();
    return super.quarantine(place);
  }
}

const chunk = { upload: fc.integer({ min: 1, max: uploads }), index: fc.nat(chunks - 1) };
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("put" as const), ...chunk }),
    fc.record({ kind: fc.constant("put" as const), ...chunk }),
    fc.record({ kind: fc.constant("read" as const), ...chunk }),
    fc.record({ kind: fc.constant("verify" as const), ...chunk }),
    fc.record({ kind: fc.constant("replace" as const), ...chunk }),
    fc.record({ kind: fc.constant("renew" as const), ...chunk }),
    fc.record({ kind: fc.constant("keep" as const), named: fc.integer({ min: 0, max: uploads }), round: fc.boolean() }),
    fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 1500 }) }),
  ),
  { minLength: 10, maxLength: 60 },
);

/** What is right to happen to somebody who comes too late. */
async function unlessGone(action: Promise<unknown>): Promise<void> {
  try {
    await action;
  } catch (error) {
    if (!(error instanceof QuorumError) || error.code !== "not_found") throw error;
  }
}

test("everything at the same time: no wrong byte, no false alarm, and in the end rows and files match", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (history) => {
      const files = new SlowFiles();
      const node = await TestStore.open({ files, leaseMs: 3000, retireAfterMs: 0 });
      const running: Promise<unknown>[] = [];
      let version = 0;
      for (const step of history) {
        if (step.kind === "pass") {
          await node.clock.pass(step.ms);
          continue;
        }
        if (step.kind === "keep") {
          version += 1;
          const ranges = step.named === 0 ? [] : [range(step.named, 0, chunks)];
          const ballot = { counter: version, node: 1, incarnation: 1 };
          running.push(node.store.keep(owner, ballot, ranges, { afterIdentityRound: step.round }));
          continue;
        }
        const key = keyOf(step.upload, step.index);
        const bytes = bytesOf(step.upload * 10 + step.index, size);
        if (step.kind === "put") running.push(node.put(key, bytes, 40_000));
        else if (step.kind === "renew") running.push(node.store.renew(owner, [range(step.upload, step.index, 1)]));
        else if (step.kind === "verify") {
          running.push(node.store.verify(key).then((found) => expect(found).not.toBe("damaged")));
        } else if (step.kind === "read") {
          running.push(unlessGone(node.bytes(key).then((found) => expect(found.equals(bytes)).toBe(true))));
        } else {
          const replacing = async (): Promise<void> => {
            const intake = await node.store.replace(key, contentOf(bytes), never);
            await intake.write(bytes);
            await intake.commit();
          };
          running.push(replacing());
        }
      }
      await Promise.all(running);
      await node.clock.pass(1);
      await settle();
      await node.store.close();
      expect(node.damaged).toEqual([]);
      expect(node.failures).toEqual([]);
      const rows = node.disk.table("chunks").rows.length;
      expect(node.files.places).toHaveLength(rows);
      expect(node.disk.table("chunk-places").rows).toHaveLength(rows);
      expect(node.store.usage()).toMatchObject({ chunks: rows, bytes: rows * size });
      expect(node.store.incomingBytes).toBe(0);

      // What is counted while it changes is what a start counts.
      const again = await TestStore.open({ disk: node.disk, files, clock: node.clock });
      const { uploadingBytes, reclaimableBytes, ...held } = again.store.usage();
      expect(node.store.usage()).toMatchObject(held);
      const before = node.store.usage();
      expect(before.uploadingBytes + before.reclaimableBytes).toBe(uploadingBytes + reclaimableBytes);
      await again.store.close();
    }),
    { numRuns: 25 },
  );
}, 60_000);
