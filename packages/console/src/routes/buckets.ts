import type { BucketInfo } from "@quorumfs/client";
import { replicasMax } from "@quorumfs/core";
import type { BucketList, BucketView } from "../api.js";
import { durabilities } from "../api-values.js";
import { Fields, readJson } from "../server/body.js";
import { invalid } from "../server/refusal.js";
import { quorumChoices, quorumMeaning } from "../views/quorum-meaning.js";
import type { Routes } from "./route.js";

export const bucketRoutes: Routes = {
  "GET /api/buckets": async ({ client, signal }): Promise<BucketList> => {
    const { replicas, buckets } = await (await client()).status({ signal });
    return { replicas, buckets: buckets.map(bucketView), choices: quorumChoices(replicas) };
  },
  "POST /api/buckets": async ({ client, request, response, clock, signal }): Promise<BucketView> => {
    const fields = new Fields(await readJson(request, clock), ["name", "readQuorum", "writeQuorum", "durability"]);
    const name = fields.text("name");
    if (name === undefined) throw invalid("name is missing");
    const readQuorum = fields.whole("readQuorum", replicasMax);
    const writeQuorum = fields.whole("writeQuorum", replicasMax);
    const durability = fields.oneOf("durability", durabilities);
    const { buckets } = await client();
    const bucket = await buckets.create(name, {
      ...(readQuorum !== undefined && { readQuorum }),
      ...(writeQuorum !== undefined && { writeQuorum }),
      ...(durability !== undefined && { durability }),
      signal,
    });
    response.statusCode = 201;
    return bucketView(bucket);
  },
  "DELETE /api/buckets": async ({ client, query, response, signal }) => {
    await (await client()).buckets.delete(query.required("bucket"), { signal });
    response.statusCode = 204;
  },
};

function bucketView(bucket: BucketInfo): BucketView {
  const { name, id, replicas, readQuorum, writeQuorum, durability, createdAt } = bucket;
  return {
    name,
    id,
    replicas,
    readQuorum,
    writeQuorum,
    durability,
    createdAtMs: createdAt.getTime(),
    meaning: quorumMeaning({ replicas, read: readQuorum, write: writeQuorum }, durability),
  };
}
