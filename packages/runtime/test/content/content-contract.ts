/** What every implementation of the ContentFiles port must do; each one's tests call {@link contentContract}. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { ContentFiles } from "@quorumfs/core";
import fc from "fast-check";

/** A place that outlives the stores that are opened on it. */
export interface ContentPlace {
  open(): ContentFiles;
  remove(): Promise<void>;
}

export async function publish(files: ContentFiles, name: string, ...parts: readonly Uint8Array[]): Promise<string> {
  const draft = files.create(name);
  for (const part of parts) await draft.write(part);
  return draft.publish();
}

/** All of a file; undefined if it is not there. */
export async function contentOf(files: ContentFiles, place: string): Promise<Buffer | undefined> {
  const size = await files.size(place);
  if (size === undefined) return undefined;
  const target = Buffer.alloc(size + 1);
  const taken = await files.read(place, 0, target);
  return taken === undefined ? undefined : target.subarray(0, taken);
}

export async function placesOf(files: ContentFiles): Promise<string[]> {
  const places: string[] = [];
  for await (const place of files.list()) places.push(place);
  return places.sort();
}

export function contentContract(name: string, makePlace: () => Promise<ContentPlace>): void {
  describe(`${name}: ContentFiles contract`, () => {
    let place: ContentPlace;
    let files: ContentFiles;

    beforeEach(async () => {
      place = await makePlace();
      files = place.open();
    });

    afterEach(async () => {
      await files.close();
      await place.remove();
    });

    async function reopen(): Promise<void> {
      await files.close();
      files = place.open();
    }

    test("publish: what was written, in order, also after a reopening", async () => {
      const parts = [Buffer.alloc(300_000, 1), Buffer.alloc(0), Buffer.from("end")];
      const at = await publish(files, "aa", ...parts);
      expect((await contentOf(files, at))?.equals(Buffer.concat(parts))).toBe(true);
      await reopen();
      expect((await contentOf(files, at))?.equals(Buffer.concat(parts))).toBe(true);
      expect(await placesOf(files)).toEqual([at]);
    });

    test("publish: an empty file", async () => {
      const at = await publish(files, "ab");
      expect(await files.size(at)).toBe(0);
      expect(await files.read(at, 0, new Uint8Array(10))).toBe(0);
    });

    test("write: the caller may use its buffer again", async () => {
      const buffer = Buffer.from("first");
      const draft = files.create("ac");
      await draft.write(buffer);
      buffer.write("other");
      await draft.write(buffer);
      expect((await contentOf(files, await draft.publish()))?.toString()).toBe("firstother");
    });

    test("publish: a name that is there already replaces nothing", async () => {
      const [one, other] = [
        await publish(files, "ad", Buffer.from("one")),
        await publish(files, "ad", Buffer.from("2")),
      ];
      expect(one).not.toBe(other);
      expect((await contentOf(files, one))?.toString()).toBe("one");
      expect((await contentOf(files, other))?.toString()).toBe("2");
      await reopen();
      expect(await placesOf(files)).toEqual([one, other].sort());
    });

    test("drafts: nobody sees them, and a dropped one leaves nothing", async () => {
      const draft = files.create("ae");
      await draft.write(Buffer.alloc(100));
      expect(await placesOf(files)).toEqual([]);
      await draft.discard();
      await draft.discard();
      expect(await placesOf(files)).toEqual([]);
      await expect(draft.write(Buffer.alloc(1))).rejects.toThrow("used again");
      await expect(draft.publish()).rejects.toThrow("used again");
    });

    test("discard: does nothing after publish", async () => {
      const draft = files.create("af");
      await draft.write(Buffer.from("x"));
      const at = await draft.publish();
      await draft.discard();
      expect((await contentOf(files, at))?.toString()).toBe("x");
    });

    test("drafts: those that were left open are gone after a reopening", async () => {
      const draft = files.create("a1");
      await draft.write(Buffer.from("x"));
      await reopen();
      expect(await placesOf(files)).toEqual([]);
    });

    test("read: any range, into the caller's own bytes, and no further than the file", async () => {
      const content = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251));
      const at = await publish(files, "b0", content);
      await fc.assert(
        fc.asyncProperty(fc.nat(1100), fc.nat(1100), async (offset, length) => {
          const target = Buffer.alloc(length + 2, 0xff);
          const taken = await files.read(at, offset, target.subarray(1, length + 1));
          const wanted = content.subarray(offset, offset + length);
          expect(taken).toBe(wanted.length);
          expect(target.subarray(1, wanted.length + 1).equals(wanted)).toBe(true);
          expect(target[0]).toBe(0xff);
          expect(target[length + 1]).toBe(0xff);
        }),
        { numRuns: 50 },
      );
    });

    test.each(["000000/ff", "999999/ab", "../../etc/passwd", "000000/../x", "", "quarantine/aa", "drafts/aa"])(
      "a place that is none: %j",
      async (at) => {
        expect(await files.read(at, 0, new Uint8Array(1))).toBeUndefined();
        expect(await files.size(at)).toBeUndefined();
        await files.quarantine(at);
        await files.remove([at]);
      },
    );

    test("remove: those named, and no others", async () => {
      const [a, b, c] = await Promise.all(["c1", "c2", "c3"].map((one) => publish(files, one, Buffer.from(one))));
      for (const at of [a, b, c]) await contentOf(files, at ?? "");
      await files.remove([a ?? "", "000000/ee", c ?? ""]);
      expect(await placesOf(files)).toEqual([b]);
      for (const at of [a, c]) expect(await contentOf(files, at ?? "")).toBeUndefined();
      expect((await contentOf(files, b ?? ""))?.toString()).toBe("c2");
    });

    test("quarantine: the file is not there any more, and stays away", async () => {
      const at = await publish(files, "d1", Buffer.from("bad"));
      await contentOf(files, at);
      await files.quarantine(at);
      await files.quarantine(at);
      expect(await contentOf(files, at)).toBeUndefined();
      await reopen();
      expect(await placesOf(files)).toEqual([]);
    });

    test("many at once: each whole, each listed once", async () => {
      const names = Array.from({ length: 300 }, (_, index) => index.toString(16).padStart(4, "0"));
      const places = await Promise.all(names.map((one) => publish(files, one, Buffer.from(one), Buffer.alloc(2000))));
      expect(new Set(places).size).toBe(300);
      expect(await placesOf(files)).toEqual([...places].sort());
      for (const [index, at] of places.entries()) {
        expect((await contentOf(files, at))?.subarray(0, 4).toString()).toBe(names[index]);
      }
    });

    test("space: of the volume", () => {
      const { freeBytes, totalBytes } = files.space();
      expect(freeBytes).toBeGreaterThan(0);
      expect(totalBytes).toBeGreaterThanOrEqual(freeBytes);
    });

    test("close: twice is once", async () => {
      await Promise.all([files.close(), files.close()]);
      await files.close();
    });
  });
}
