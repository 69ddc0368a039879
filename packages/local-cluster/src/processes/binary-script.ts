import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The script of one of our binaries, whether installed or in a clone. */
export function binaryScript(component: "supernode" | "datanode" | "client"): string {
  const entry = createRequire(import.meta.url).resolve(`@quorumfs/${component}`);
  return join(dirname(entry), "..", "bin", component === "client" ? "quorumfs.js" : `quorumfs-${component}.js`);
}
