import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryDirectory, type TemporaryDirectory } from "@quorumfs/local-cluster";

const web = fileURLToPath(new URL("../../web", import.meta.url));
const vite = join(dirname(createRequire(import.meta.url).resolve("vite/package.json")), "bin/vite.js");

/** The page as its sources are now, never a stale build. */
export async function buildPage(): Promise<TemporaryDirectory> {
  const directory = await temporaryDirectory("quorumfs-page-");
  const args = [vite, "build", web, "--outDir", directory.path, "--logLevel", "warn"];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status === 0) return directory;
  await directory.remove();
  throw new Error(`the page does not build: ${stdout}${stderr}`);
}
