import type { Condition, Intent } from "@quorumfs/core";
import { bytesOf } from "../../src/index.js";
import { ScriptedCluster } from "./scripted-cluster.js";

/**
 * Plays a golden file: commands, each followed by `----` and by what it printed, with an empty line behind. Lines that
 * begin with `#` are for the reader. Returns the file as it would have to be.
 */
export function playScript(script: string): string {
  const player = new Player();
  return script
    .split("\n\n")
    .map((block) => {
      const lines = block.split("\n");
      const remarks = lines.filter((line) => line.startsWith("#"));
      const command = lines.find((line) => line !== "" && !line.startsWith("#"));
      if (command === undefined) return remarks.join("\n");
      return [...remarks, command, "----", ...player.play(command)].join("\n");
    })
    .filter((block) => block !== "")
    .join("\n\n")
    .concat("\n");
}

class Player {
  #cluster: ScriptedCluster | undefined;
  #printed: string[] = [];

  play(line: string): readonly string[] {
    this.#printed = [];
    const [command = "", ...words] = line.split(" ");
    const options = new Map(words.map((word) => splitAt(word, "=")));
    if (command === "cluster") this.#makeCluster(words[0] ?? "");
    else this.#command(command, words, options);
    return this.#printed.length > 0 ? this.#printed : ["ok"];
  }

  #makeCluster(quorum: string): void {
    const [replicas = 0, read = 0, write = 0] = quorum.split("/").map(Number);
    this.#cluster = new ScriptedCluster({ replicas, read, write, print: (line) => this.#printed.push(line) });
  }

  #command(command: string, words: readonly string[], options: ReadonlyMap<string, string>): void {
    const cluster = this.#cluster;
    if (!cluster) throw new Error("a script begins with `cluster N/R/W`");
    const [first = "", second = ""] = words;
    const name = first;
    const at = Number(options.get("at") ?? 1);
    switch (command) {
      case "put":
      case "delete":
        cluster.mutate({
          name,
          at,
          intent: intentOf(command, options.get("content") ?? name),
          condition: conditionOf(options.get("if") ?? (command === "delete" ? "exists" : "none")),
          id: options.get("id") ?? name,
          retry: words.includes("retry"),
          seen: Number(options.get("seen") ?? 0),
        });
        break;
      case "read":
      case "stat":
        cluster.read({ name, at, withContent: command === "read" });
        break;
      case "collect":
        cluster.collect({ name, at });
        break;
      case "layout":
        cluster.publish(first.split(",").map(Number), second === "" ? [] : second.split(",").map(Number));
        break;
      case "takeover":
        cluster.takeOver({ name, at, from: (options.get("from") ?? "").split(",").map(Number) });
        break;
      case "repair":
        cluster.repair({ name, at });
        break;
      case "run":
        if (first === "") cluster.run();
        for (const word of words) cluster.run(linkOf(word));
        break;
      case "drop":
        for (const word of words) cluster.drop(linkOf(word));
        break;
      case "cut":
        cluster.cut(words.map(Number));
        break;
      case "heal":
        cluster.cut([]);
        break;
      case "fire":
        cluster.fire(name);
        break;
      case "deadline":
        cluster.deadline(name);
        break;
      case "crash":
        cluster.crash(Number(first));
        break;
      case "floor":
        cluster.raiseFloor(Number(first), Number(second));
        break;
      case "corrupt":
        cluster.corrupt(Number(first));
        break;
      case "show":
        cluster.show();
        break;
      default:
        throw new Error(`unknown command ${command}`);
    }
  }
}

function splitAt(text: string, separator: string): [string, string] {
  const index = text.indexOf(separator);
  return index < 0 ? [text, ""] : [text.slice(0, index), text.slice(index + 1)];
}

function linkOf(word: string): { from: number; to: number } {
  const [from, to] = splitAt(word, ">");
  return { from: Number(from), to: Number(to) };
}

function intentOf(kind: "put" | "delete", content: string): Intent {
  if (kind === "delete") return { kind: "delete" };
  const bytes = bytesOf(content);
  return { kind: "put", size: bytes.length, etag: bytes, content: { kind: "inline", bytes }, attributes: new Map() };
}

function conditionOf(text: string): Condition {
  const [kind, argument] = splitAt(text, ":");
  switch (kind) {
    case "none":
    case "exists":
    case "absent":
      return { kind };
    case "version":
      return { kind, counter: Number(argument) };
    case "etag":
      return { kind, etag: bytesOf(argument) };
    default:
      throw new Error(`unknown condition ${text}`);
  }
}
