/** What the files in deploy/ run: commands with their flags and their environment. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { binaries, type Binary, clone } from "./settings-reference.js";

export interface Service {
  readonly name: string;
  readonly binary: Binary;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

interface ComposeService {
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export function readText(path: string): string {
  return readFileSync(clone + path, "utf8");
}

/** What a variable of the shell that compose.yaml asks for may hold: a token, say. */
const fromShell = "0123456789abcdef0123456789abcdef";

/** Of compose.yaml, those that are servers of ours. */
export function composeServices(): readonly Service[] {
  const text = readText("deploy/docker/compose.yaml").replaceAll(/\$\{[^}]*\}/g, fromShell);
  const { services } = parse(text, { merge: true }) as {
    readonly services: Readonly<Record<string, ComposeService>>;
  };
  return Object.entries(services).flatMap(([name, { command = [], environment = {} }]) => {
    const binary = binaries.find((known) => known === command[0]);
    return binary === undefined ? [] : [{ name, binary, args: command.slice(1), environment }];
  });
}

/** A unit, with the file that `/etc/quorumfs` gets. `%i` is its port. */
export function unitService(options: { unit: string; settings: string; instance?: string }): Service {
  const unit = readText(`deploy/systemd/${options.unit}`).replaceAll("%i", options.instance ?? "");
  const own = [...unit.matchAll(/^Environment=(\w+)=(.*)$/gm)];
  const given = [...readText(`deploy/systemd/${options.settings}`).matchAll(/^(\w+)=(.*)$/gm)];
  const script = valueIn(unit, "ExecStart").split("/").at(-1) ?? "";
  const binary = binaries.find((known) => script === `${known}.js`);
  if (binary === undefined) throw new Error(`${options.unit} runs no binary of ours: ${script}`);
  const environment = Object.fromEntries([...own, ...given].map(([, name = "", value = ""]) => [name, value]));
  return { name: options.unit, binary, args: [], environment };
}

/** What a unit says; empty if nothing. */
export function valueIn(unit: string, key: string): string {
  return new RegExp(`^${key}=(.*)$`, "m").exec(unit)?.[1] ?? "";
}
