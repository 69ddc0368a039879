import { contentContract } from "../../../runtime/test/content/content-contract.js";
import { MemoryContentFiles } from "./memory-content-files.js";

contentContract("memory", async () => {
  const files = new MemoryContentFiles();
  return { open: () => files, remove: async () => undefined };
});
