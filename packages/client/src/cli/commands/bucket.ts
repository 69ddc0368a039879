import type { BucketInfo } from "../../cluster-info.js";
import { command, group } from "../command.js";
import { type Context, operationOptions } from "../context.js";
import { tableText } from "../table.js";
import { timeText } from "../wording.js";

const create = command({
  names: ["create"],
  operands: "<name>",
  shape: "NAME",
  describe: "Make a bucket; its quorums and durability never change",
  options: {
    read: {
      alias: "R",
      type: "number",
      describe: "R: answers that a read needs; default a majority",
      requiresArg: true,
    },
    write: {
      alias: "W",
      type: "number",
      describe: "W: acknowledgements that a write needs; R + W > N",
      requiresArg: true,
    },
    durability: {
      choices: ["fsync", "memory"] as const,
      default: "fsync" as const,
      describe: "Where an acknowledged write is, on W DataNodes",
      requiresArg: true,
    },
  },
  examples: [
    ["$0 bucket create backups", "Majorities, on disk"],
    ["$0 bucket create config -R 1 -W 3", "Cheap reads; writes need every replica (N = 3)"],
    ["$0 bucket create cache --durability memory", "Fast; a DataNode that crashes may take the newest writes back"],
  ],
  async run({ operands: [name = ""], values: { read, write, durability } }, context) {
    const cluster = await context.cluster();
    const quorums = {
      ...(read === undefined ? {} : { readQuorum: read }),
      ...(write === undefined ? {} : { writeQuorum: write }),
    };
    const bucket = await cluster.buckets.create(name, { ...operationOptions(context), ...quorums, durability });
    await context.printer.one(bucket, block(bucket));
  },
});

const list = command({
  names: ["list", "ls"],
  operands: "",
  shape: "",
  describe: "List the buckets",
  options: {},
  examples: [["$0 bucket list", "All buckets and their quorums"]],
  run: (_input, context) => listBuckets(context),
});

export async function listBuckets(context: Context): Promise<void> {
  const cluster = await context.cluster();
  const buckets = await cluster.buckets.list(operationOptions(context));
  await printBuckets(context, buckets);
}

async function printBuckets(context: Context, buckets: readonly BucketInfo[]): Promise<void> {
  if (context.printer.format === "table") return context.printer.one({}, bucketTable(buckets));
  const rows = context.printer.rows<BucketInfo>({ line: () => "" });
  for (const bucket of buckets) await rows.add(bucket);
  await rows.end();
}

export function bucketTable(buckets: readonly BucketInfo[]): string {
  return tableText(
    ["BUCKET", "N", "R", "W", "DURABILITY", "CREATED"],
    buckets.map((bucket) => [
      bucket.name,
      bucket.replicas,
      bucket.readQuorum,
      bucket.writeQuorum,
      bucket.durability,
      timeText(bucket.createdAt),
    ]),
  );
}

const info = command({
  names: ["info"],
  operands: "<name>",
  shape: "NAME",
  describe: "Show a bucket's quorums and durability",
  options: {},
  examples: [["$0 bucket info files", "What its acknowledgements guarantee"]],
  async run({ operands: [name = ""] }, context) {
    const cluster = await context.cluster();
    const bucket = await cluster.buckets.info(name, operationOptions(context));
    await context.printer.one(bucket, block(bucket));
  },
});

const remove = command({
  names: ["delete", "rm"],
  operands: "<name>",
  shape: "NAME",
  describe: "Delete a bucket, which must be empty",
  options: {},
  examples: [["$0 bucket delete backups", "All DataNodes must be up"]],
  async run({ operands: [name = ""] }, context) {
    const cluster = await context.cluster();
    await cluster.buckets.delete(name, operationOptions(context));
    await context.printer.one({ name, deleted: true }, `bucket ${name} deleted`);
  },
});

function block(bucket: BucketInfo): string {
  const { name, id, replicas, readQuorum, writeQuorum, durability, createdAt } = bucket;
  const where = durability === "fsync" ? "on the disks" : "in the memory";
  const facts: [string, string][] = [
    ["id", String(id)],
    ["created", timeText(createdAt)],
    ["replicas", `N = ${replicas}`],
    ["reads", `R = ${readQuorum}: decided by ${readQuorum} of ${replicas} replicas`],
    ["writes", `W = ${writeQuorum}: acknowledged when ${where} of ${writeQuorum} of ${replicas} replicas`],
    [
      "durability",
      durability === "fsync" ? durability : `${durability}: who crashes forgets what its disk did not have yet`,
    ],
    ["survives", survival(bucket)],
  ];
  return [name, ...facts.map(([what, is]) => `  ${what.padEnd(13)} ${is}`)].join("\n");
}

/** A read may have to finish a write that it finds half-done, and then needs W as well. */
function survival({ replicas, readQuorum, writeQuorum }: BucketInfo): string {
  const spare = replicas - Math.max(readQuorum, writeQuorum);
  if (spare === 0) return "every replica is needed for writes, and for reads that follow an unfinished one";
  return `reads and writes go on with ${spare} of ${replicas} replicas away`;
}

export const bucket = group({
  name: "bucket",
  describe: "Make, list, show and delete buckets",
  commands: [create, list, info, remove],
});
