import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";

// Who may depend on whom. DataNode, SuperNode and client do not appear in each other's lines: they meet in protos/. The console
// is a client like any other; that the SuperNode's process is where it runs is the business of the SuperNode's binary alone.
const allowed: Readonly<Record<string, readonly string[]>> = {
  proto: [],
  core: [],
  rpc: ["core", "proto"],
  runtime: ["core", "proto"],
  telemetry: ["core"],
  datanode: ["core", "proto", "rpc", "runtime", "telemetry"],
  client: ["core", "proto", "rpc", "runtime", "telemetry"],
  "workload-generator": ["client", "core", "rpc", "runtime", "telemetry"],
  console: ["client", "core", "rpc", "runtime", "telemetry", "workload-generator"],
  supernode: ["console", "core", "proto", "rpc", "runtime", "telemetry"],
  "local-cluster": ["client", "console", "core", "datanode", "proto", "rpc", "runtime", "supernode", "telemetry"],
  testkit: [
    "client",
    "console",
    "core",
    "datanode",
    "local-cluster",
    "proto",
    "rpc",
    "runtime",
    "supernode",
    "telemetry",
    "workload-generator",
  ],
};

const packages = new URL("../../../", import.meta.url);

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

interface Project {
  readonly references?: readonly { readonly path: string }[];
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(new URL(path, packages), "utf8"));
}

function oursAmong(dependencies: Readonly<Record<string, string>> = {}): readonly string[] {
  return Object.keys(dependencies)
    .filter((name) => name.startsWith("@quorumfs/"))
    .map((name) => name.slice("@quorumfs/".length))
    .sort();
}

describe("boundaries", () => {
  test("every package has its line in the graph", () => {
    expect(readdirSync(packages).sort()).toEqual(Object.keys(allowed).sort());
  });

  test.each(Object.entries(allowed))("%s: depends along the graph only", (name, dependencies) => {
    const manifest = readJson(`${name}/package.json`) as Manifest;
    expect(dependencies).toEqual(expect.arrayContaining([...oursAmong(manifest.dependencies)]));
    expect(oursAmong(manifest.devDependencies)).toEqual([]);
  });

  test.each(Object.keys(allowed))("%s: its build references are its dependencies", (name) => {
    const manifest = readJson(`${name}/package.json`) as Manifest;
    const project = readJson(`${name}/tsconfig.json`) as Project;
    const references = (project.references ?? []).map(({ path }) => path.replace("../", "")).sort();
    expect(references).toEqual(oursAmong(manifest.dependencies));
  });

  test("core: no dependency at all", () => {
    const manifest = readJson("core/package.json") as Manifest;
    expect(Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })).toEqual([]);
  });
});
