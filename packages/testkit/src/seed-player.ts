/** A process of `npm run sim -- --jobs`. */
import { answerBatches } from "./adapters/seed-processes.js";
import { playBatch } from "./system-command.js";

answerBatches(({ from, count }) => playBatch(from, count));
