import { describe } from "@jest/globals";
import { playSeeds } from "./play-seeds.js";

// Halves, so that two workers share them. More: npm run sim -- --seeds 20000
describe("a cluster heals whatever its plan does to it, and nothing acknowledged is lost", () => {
  playSeeds({ from: 1, count: 250 });
});
