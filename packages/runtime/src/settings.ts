import type { Options } from "yargs";

/** A flag of a binary, by its name on the command line: `data-dir`. */
export type Settings = Readonly<Record<string, Options>>;

export const environmentPrefix = "QUORUMFS_";

/** The variable that sets a flag: `QUORUMFS_DATA_DIR` for `data-dir`. */
export function environmentName(flag: string): string {
  return environmentPrefix + flag.replaceAll("-", "_").toUpperCase();
}

/**
 * What the environment says about these settings, and no others: one environment serves several binaries, and a
 * variable for another one is no mistake.
 */
export function settingsFromEnvironment(
  settings: Settings,
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string | string[]> {
  const found: Record<string, string | string[]> = {};
  for (const [flag, option] of Object.entries(settings)) {
    const value = environment[environmentName(flag)];
    if (value === undefined || value === "") continue;
    found[flag] = isList(option) ? value.split(",") : value;
  }
  return found;
}

/** Takes several values: by giving the flag again, or separated by commas in the environment. */
export function isList(option: Options): boolean {
  return option.type === "array" || option.array === true;
}
