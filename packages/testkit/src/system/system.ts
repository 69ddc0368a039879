/** What a mutated build of the whole system gives to its tests. */
export { runSystem } from "./run-system.js";
