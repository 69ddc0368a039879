import type { Command } from "../command.js";
import { bucket } from "./bucket.js";
import { cat } from "./cat.js";
import { doctor } from "./doctor.js";
import { events } from "./events.js";
import { explain } from "./explain.js";
import { get } from "./get.js";
import { layout } from "./layout.js";
import { ls } from "./ls.js";
import { node } from "./node.js";
import { put } from "./put.js";
import { rm } from "./rm.js";
import { scrub } from "./scrub.js";
import { stat } from "./stat.js";
import { state } from "./state.js";
import { sync } from "./sync.js";
import { status } from "./status.js";
import { top } from "./top.js";

/** In the order of the help. */
export const commands: readonly Command[] = [
  put,
  get,
  cat,
  sync,
  ls,
  stat,
  explain,
  rm,
  bucket,
  status,
  top,
  events,
  doctor,
  node,
  layout,
  scrub,
  state,
];
