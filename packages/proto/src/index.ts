export * from "./gen/descriptors.js";
export * from "./gen/quorumfs/v1/admin.js";
export * from "./gen/quorumfs/v1/chunk.js";
export * from "./gen/quorumfs/v1/cluster.js";
export * from "./gen/quorumfs/v1/file.js";
export * from "./gen/quorumfs/v1/maintenance.js";
export * from "./gen/quorumfs/v1/replica.js";
export * from "./gen/quorumfs/v1/types.js";
