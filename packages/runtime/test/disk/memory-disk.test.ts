import { diskContract } from "./disk-contract.js";
import { MemoryDisk, MemoryPlatter } from "./memory-disk.js";

diskContract("memory", async () => {
  const platter = new MemoryPlatter();
  return { open: async () => new MemoryDisk(platter), remove: async () => undefined };
});
