import type { QuorumFs } from "../../src/index.js";
import { FakeCluster } from "./fake-cluster.js";
import type { FakeChunks } from "./fake-chunks.js";
import { FakeFiles } from "./fake-files.js";

/** A client of a fake cluster that keeps files. */
export interface Bench {
  readonly cluster: FakeCluster;
  readonly files: FakeFiles;
  readonly fs: QuorumFs;
  /** Of DataNode `id`. */
  readonly chunks: (id: number) => FakeChunks;
  /** Lets time pass until the promise has settled. */
  readonly settle: <T>(promise: Promise<T>) => Promise<T>;
}

export async function openBench(options: { readonly nodes?: number } = {}): Promise<Bench> {
  const cluster = new FakeCluster(options);
  const files = new FakeFiles();
  cluster.react = files.react;
  const fs = await cluster.connect();
  return {
    cluster,
    files,
    fs,
    chunks: (id) => {
      const chunks = cluster.chunks.get(id);
      if (!chunks) throw new Error(`there is no DataNode ${id}`);
      return chunks;
    },
    settle: (promise) => cluster.clock.settle(promise),
  };
}
