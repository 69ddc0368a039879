/** @jest-config-loader esbuild-register */
import type { Config } from "jest";

const shared = {
  testEnvironment: "node",
  extensionsToTreatAsEsm: [".ts"],
  transform: {
    "^.+\\.ts$": [
      "@swc/jest",
      { jsc: { parser: { syntax: "typescript" }, target: "es2022" }, module: { type: "es6" }, sourceMaps: "inline" },
    ],
  },
  moduleNameMapper: {
    // Sources, never a stale build. ".js" comes first: it is right in node_modules and never exists under src/.
    "^(\\.{1,2}/.*)\\.js$": ["$1.js", "$1.ts"],
    "^@quorumfs/([a-z-]+)$": "<rootDir>/packages/$1/src/index.ts",
    "^@quorumfs/([a-z-]+)/lean$": "<rootDir>/packages/$1/src/lean.ts",
  },
} satisfies Config;

const simulation = [
  "<rootDir>/packages/testkit/test/simulation/**/*.test.ts",
  "<rootDir>/packages/testkit/test/system/**/*.test.ts",
];
// These load the machine to its limits, or see how soon something is noticed: they need it for themselves.
const alone = [
  "<rootDir>/packages/local-cluster/test/cluster/{failures,leaks,network-faults,races}.test.ts",
  "<rootDir>/packages/local-cluster/test/{overload,sync}/**/*.test.ts",
  "<rootDir>/packages/local-cluster/test/processes/{large-files,outages}.test.ts",
  "<rootDir>/packages/console/test/browser/**/*.test.ts",
  "<rootDir>/packages/testkit/test/integration/**/*.test.ts",
  "<rootDir>/packages/testkit/test/nemesis/run.test.ts",
];
const integration = [
  "<rootDir>/packages/local-cluster/test/**/*.test.ts",
  "<rootDir>/packages/console/test/server/**/*.test.ts",
  // Jest knows its root at the beginning of a pattern only.
  ...alone.map((pattern) => pattern.replace("<rootDir>", "!**")),
];

const config: Config = {
  // Of all projects: jest heeds it only here. Whole clusters start, and wait until a dead node is noticed.
  testTimeout: 60_000,
  projects: [
    {
      ...shared,
      displayName: "unit",
      testMatch: ["<rootDir>/packages/*/test/**/*.test.ts"],
      testPathIgnorePatterns: [
        "/node_modules/",
        "/packages/local-cluster/test/",
        "/packages/console/test/(server|browser)/",
        "/packages/testkit/test/(simulation|system|integration)/",
        "/packages/testkit/test/nemesis/run.test.ts",
      ],
    },
    { ...shared, displayName: "simulation", testMatch: simulation },
    { ...shared, displayName: "integration", testMatch: integration },
    { ...shared, displayName: "alone", testMatch: alone },
  ],
};

export default config;
