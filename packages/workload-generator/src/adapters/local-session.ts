import { connect } from "@quorumfs/client";
import { LocalSession } from "../run/local-session.js";
import type { Share } from "../run/share.js";
import { machineClock } from "./machine-clock.js";

/** A session in this process, on the real network and clock. */
export function localSession(share: Share): LocalSession {
  return new LocalSession({
    share,
    connect: () => connect({ endpoints: share.config.endpoints }),
    clock: machineClock(),
  });
}
