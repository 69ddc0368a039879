import { describe, expect, test } from "@jest/globals";
import type { Table, TableRange } from "@quorumfs/core";
import fc from "fast-check";
import { encodeFrame, framedWrites } from "../../src/journal/frame.js";
import { Layer } from "../../src/journal/layer.js";
import { LayeredTable } from "../../src/journal/layered-table.js";
import { MemoryDisk } from "../disk/memory-disk.js";

const salt = Buffer.alloc(8);
const key = fc.uint8Array({ minLength: 1, maxLength: 2, max: 5 }).map((bytes) => Buffer.from(bytes));
const change = fc.record({ key, value: fc.option(fc.uint8Array({ maxLength: 4 }), { nil: undefined }) });
const changes = fc.array(change, { maxLength: 8 });

function layerOf(table: Table, groups: readonly (readonly { key: Buffer; value: Uint8Array | undefined }[])[]): Layer {
  const layer = new Layer();
  for (const group of groups) {
    const writes = group.map((one) => ({ table, ...one }));
    layer.add(framedWrites(encodeFrame({ salt, number: 1, writes })));
    // A look in between has to see what comes later.
    layer.entries(table.name);
  }
  return layer;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

describe("layered table", () => {
  test("any base and layers read like one sorted map", async () => {
    const range = fc.record({ start: key, end: fc.option(key, { nil: undefined }), reverse: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        changes,
        fc.array(changes, { maxLength: 3 }),
        fc.array(changes, { maxLength: 3 }),
        range,
        async (base, older, newer, bounds) => {
          const disk = new MemoryDisk();
          const table = disk.table("t");
          await disk.commit(base.map((one) => ({ table, ...one })));
          const layers = [layerOf(table, newer), layerOf(table, older)].filter((layer) => !layer.isEmpty);
          const layered = new LayeredTable(table, () => layers);

          const oracle = new Map<string, string>();
          for (const { key: name, value } of [...base, ...older.flat(), ...newer.flat()]) {
            if (value) oracle.set(hex(name), hex(value));
            else oracle.delete(hex(name));
          }
          expect(layered.count()).toBe(oracle.size);
          for (const { key: name } of [...base, ...older.flat(), ...newer.flat()]) {
            const found = layered.get(name);
            expect(found && hex(found)).toBe(oracle.get(hex(name)));
          }
          const { start, end, reverse } = bounds;
          const wanted = [...oracle]
            .filter(([name]) => name >= hex(start) && (end === undefined || name < hex(end)))
            .sort(([a], [b]) => (a < b ? -1 : 1));
          if (reverse) wanted.reverse();
          const scanned: TableRange = { start, reverse, ...(end && { end }) };
          expect([...layered.range(scanned)].map(({ key: name, value }) => [hex(name), hex(value)])).toEqual(wanted);
        },
      ),
      { numRuns: 500 },
    );
  });
});
