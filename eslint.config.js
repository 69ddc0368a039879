import { readdirSync, readFileSync } from "node:fs";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

// Where the world may be touched. Everything else gets clock, randomness, network, disk and log handed in, so that
// whole clusters run on virtual time (DESIGN.md, "The core decides, the shell acts").
const adapters = ["packages/*/src/**/adapters/**/*.ts", "packages/*/src/**/adapters.ts", "packages/*/src/bin.ts"];

const worldGlobals = [
  ["Date", "the clock port"],
  ["performance", "the clock port"],
  ["setTimeout", "the clock port"],
  ["setInterval", "the clock port"],
  ["setImmediate", "the clock port"],
  ["crypto", "the randomness port"],
].map(([name, port]) => ({ name, message: `Only adapters touch it: take ${port}.` }));

const worldProperties = [
  { object: "Math", property: "random", message: "Only adapters touch it: take the randomness port." },
  { object: "process", property: "hrtime", message: "Only adapters touch it: take the clock port." },
  ...worldGlobals.map(({ name, message }) => ({ object: "globalThis", property: name, message })),
];

const worldModules = [
  {
    regex: "^(@grpc/grpc-js|lmdb|(node:)?(fs|timers)(/promises)?)$",
    message: "Only adapters touch it: take a port.",
  },
  {
    regex: "^(node:)?crypto$",
    importNames: ["randomBytes", "randomFill", "randomFillSync", "randomInt", "randomUUID", "webcrypto"],
    message: "Only adapters touch it: take the randomness port.",
  },
];

// What a package may import of ours is what its package.json declares; testkit checks that against the allowed graph.
const packages = readdirSync(new URL("packages", import.meta.url)).map((name) => {
  const manifest = JSON.parse(readFileSync(new URL(`packages/${name}/package.json`, import.meta.url), "utf8"));
  const ours = Object.keys(manifest.dependencies ?? {}).filter((dependency) => dependency.startsWith("@quorumfs/"));
  const boundary =
    name === "core"
      ? { regex: "^[^.]", message: "core imports nothing but itself." }
      : {
          regex: `^@quorumfs/(?!(${["", ...ours.map((dependency) => dependency.slice("@quorumfs/".length))].join("|")})(/lean)?$)`,
          message: "Not a dependency of this package. Packages meet through their index, along the graph of DESIGN.md.",
        };
  return { name, patterns: [boundary, { regex: "^(\\.\\./)+[a-z-]+/(src|dist)/", message: "Import the package." }] };
});

export default defineConfig(
  { ignores: ["**/dist/", "**/node_modules/", "**/coverage/", "packages/proto/src/gen/", "**/data/", "**/logs/"] },
  tseslint.configs.recommendedTypeChecked,
  {
    files: ["**/*.ts"],
    languageOptions: { parserOptions: { project: "./tsconfig.test.json", tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/consistent-type-exports": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/no-unnecessary-type-assertion": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/only-throw-error": "error",
      "@typescript-eslint/prefer-readonly": "error",
      // An implementation of an asynchronous port need not itself wait for anything.
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: false, requireDefaultForNonUnion: true },
      ],
    },
  },
  {
    // The console's page runs in browsers: its own types, and the world's clock is the only one that it has.
    files: ["packages/console/web/**/*.ts"],
    languageOptions: { parserOptions: { project: "./packages/console/web/tsconfig.json" } },
  },
  { files: ["**/*.js", "**/*.mjs"], extends: [tseslint.configs.disableTypeChecked] },
  packages.flatMap(({ name, patterns }) => [
    {
      files: [`packages/${name}/src/**/*.ts`],
      rules: { "no-restricted-imports": ["error", { patterns: [...patterns, ...worldModules] }] },
    },
    {
      files: adapters.map((glob) => glob.replace("*", name)),
      rules: { "no-restricted-imports": ["error", { patterns }] },
    },
  ]),
  {
    files: ["packages/*/src/**/*.ts"],
    ignores: adapters,
    rules: {
      "no-restricted-globals": ["error", ...worldGlobals],
      "no-restricted-properties": ["error", ...worldProperties],
    },
  },
);
