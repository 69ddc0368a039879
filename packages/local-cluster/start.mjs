// `npm start`: set-up, then the local cluster in this same process, so that a signal has one process to reach.
import { fileURLToPath } from "node:url";
import { setUp } from "./setup.mjs";

await setUp();
process.argv[1] = fileURLToPath(new URL("bin/quorumfs-local.js", import.meta.url));
await import("./dist/bin.js");
