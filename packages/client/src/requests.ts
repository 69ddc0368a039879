/** What callers ask for, checked before anything is sent, in the words of the protocol. */
import { QuorumError, type Random } from "@quorumfs/core";
import type { Condition, Mutation } from "@quorumfs/proto";
import type { PutOptions } from "./options.js";
import { fromHex } from "./wire.js";

// What DataNodes accept: attributes are labels, and each copy of the record carries them.
const attributesMax = 16;
const attributesBytesMax = 2048;
const pageSizeDefault = 1000;
const pageSizeMax = 10_000;

/** What makes a mutation safe to repeat, and its condition. @throws QuorumError `invalid_argument` */
export function mutationOf(name: string, options: PutOptions, random: Random): Mutation {
  const { requestId, resume = false } = options;
  const mayHaveRun = resume || (options.mayHaveRun ?? false);
  if (mayHaveRun && requestId === undefined) {
    const option = resume ? "resume" : "mayHaveRun";
    throw invalid(`${option} needs the requestId of the earlier attempt to write ${name}`);
  }
  return {
    requestId: requestId === undefined ? random.bytes(16) : fromHex(requestId, { what: "requestId", byteLength: 16 }),
    mayHaveRun,
    mayBeRepeated: true,
    seenVersion: 0,
    condition: conditionOf(options),
  };
}

function conditionOf(options: PutOptions): Condition | undefined {
  const { ifVersion, ifAbsent, ifMatch } = options;
  const given = [ifVersion !== undefined, ifAbsent === true, ifMatch !== undefined].filter(Boolean).length;
  if (given === 0) return undefined;
  if (given > 1) throw invalid("ifVersion, ifAbsent and ifMatch exclude one another; give one");
  if (ifMatch !== undefined) {
    return { test: { $case: "ifMatch", value: fromHex(ifMatch, { what: "ifMatch", byteLength: 32 }) } };
  }
  if (ifVersion === undefined) return { test: { $case: "ifAbsent", value: true } };
  if (!Number.isSafeInteger(ifVersion) || ifVersion < 1) {
    throw invalid(
      `ifVersion must be a whole number from 1, got ${ifVersion}; for a file that must not exist use ifAbsent`,
    );
  }
  return { test: { $case: "ifVersion", value: ifVersion } };
}

const noAttributes: Map<string, string> = new Map();

/** @throws QuorumError `invalid_argument` */
export function attributesOf(attributes: Readonly<Record<string, string>> | undefined): Map<string, string> {
  if (attributes === undefined) return noAttributes;
  const entries = Object.entries(attributes);
  if (entries.length > attributesMax)
    throw invalid(`a file has at most ${attributesMax} attributes, got ${entries.length}`);
  const bytes = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  if (bytes > attributesBytesMax) throw invalid(`attributes take ${bytes} bytes; the most is ${attributesBytesMax}`);
  return new Map(entries);
}

/** @throws QuorumError `invalid_argument` */
export function checkPageSize(pageSize: number = pageSizeDefault): number {
  if (Number.isInteger(pageSize) && pageSize >= 1 && pageSize <= pageSizeMax) return pageSize;
  throw invalid(`pageSize must be a whole number from 1 to ${pageSizeMax}, got ${pageSize}`);
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
