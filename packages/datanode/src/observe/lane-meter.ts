/** How many messages travelled together in a frame, by what the lane is for. */
import { exponentialBounds, Histogram } from "@quorumfs/telemetry";

export const frameSizeBounds = exponentialBounds({ from: 1, factor: 2, count: 13 });

/** `votes`: questions to other DataNodes; `answers`: what they are answered; `sessions`: responses to clients. */
export const laneKinds = ["votes", "answers", "sessions"] as const;
export type LaneKind = (typeof laneKinds)[number];

export class LaneMeter {
  readonly #frames: Readonly<Record<LaneKind, Histogram>> = {
    votes: new Histogram(frameSizeBounds),
    answers: new Histogram(frameSizeBounds),
    sessions: new Histogram(frameSizeBounds),
  };

  /** The same object whenever it is asked for. */
  of(kind: LaneKind): Histogram {
    return this.#frames[kind];
  }

  /** To be told the size of each frame. */
  onFrame(kind: LaneKind): (messages: number) => void {
    const frames = this.#frames[kind];
    return (messages) => frames.observe(messages);
  }
}
