import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

/** As distributions and vendors call it. */
const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** An installation of 100 MB, perhaps behind new package lists. */
export const chromiumTimeoutMs = 300_000;

/**
 * Chromium without a window: `CHROMIUM`, else the one on the path, else Debian's package, which is installed where that is
 * allowed.
 *
 * @throws Error with what to do, where there is none
 */
export function launchChromium(): Promise<Browser> {
  const executablePath = process.env["CHROMIUM"] ?? onPath() ?? installed();
  if (executablePath === undefined) {
    throw new Error(
      "these tests drive the console in Chromium, which is not here and could not be installed by apt-get: " +
        "install it (apt-get install chromium), or name one by the environment: CHROMIUM=/path/to/chrome",
    );
  }
  // Chromium's sandbox refuses root, and containers often lack what it needs; only our own page is opened.
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
}

function onPath(): string | undefined {
  const directories = (process.env["PATH"] ?? "").split(delimiter).filter((directory) => directory !== "");
  return names
    .flatMap((name) => directories.map((directory) => join(directory, name)))
    .find((path) => existsSync(path));
}

function installed(): string | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const install = () => succeeds("apt-get", ["install", "--yes", "--no-install-recommends", "chromium"]);
  return install() || (succeeds("apt-get", ["update"]) && install()) ? onPath() : undefined;
}

function succeeds(command: string, args: readonly string[]): boolean {
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  return spawnSync(command, args, { stdio: "ignore", env: environment }).status === 0;
}
