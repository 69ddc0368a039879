import { checkBucketName, QuorumError } from "@quorumfs/core";
import { AdminServiceService } from "@quorumfs/proto";
import type { Control } from "./cluster/control.js";
import type { BucketInfo } from "./cluster-info.js";
import { callWith, type OperationOptions } from "./options.js";
import type { Buckets } from "./quorumfs.js";
import { byName, fromDurability, required, toBucketInfo } from "./wire.js";

/** The administration of buckets, which is the SuperNode's. */
export function bucketsOf(control: Control): Buckets {
  const info = async (name: string, options: OperationOptions = {}): Promise<BucketInfo> => {
    checkBucketName(name);
    const response = await control.ask(AdminServiceService.getBucket, { name }, callWith(options));
    return toBucketInfo(required(response.bucket, "bucket"), response.replicas);
  };
  return {
    info,
    async create(name, options = {}) {
      const { readQuorum, writeQuorum, durability } = options;
      checkBucketName(name);
      const request = {
        name,
        readQuorum: quorum("R", readQuorum),
        writeQuorum: quorum("W", writeQuorum),
        durability: fromDurability(durability),
      };
      const title = `bucket create ${name}`;
      await control.command(AdminServiceService.createBucket, request, { title, ...callWith(options) });
      return info(name, options);
    },
    async list(options = {}) {
      const { buckets, replicas } = await control.ask(AdminServiceService.listBuckets, {}, callWith(options));
      return buckets.map((bucket) => toBucketInfo(bucket, replicas)).sort(byName);
    },
    async delete(name, options = {}) {
      checkBucketName(name);
      const title = `bucket delete ${name}`;
      await control.command(AdminServiceService.deleteBucket, { name }, { title, ...callWith(options) });
    },
  };
}

/** 0 stands for the default on the wire, so that it may not be asked for. */
function quorum(letter: "R" | "W", value: number | undefined): number {
  if (value === undefined) return 0;
  if (Number.isInteger(value) && value >= 1) return value;
  throw new QuorumError({
    code: "invalid_argument",
    message: `${letter} must be a whole number from 1 to N, got ${value}`,
  });
}
