import { QuorumError } from "@quorumfs/core";
import { decodeFrame, decodeMendedFrame, type Frame, frameAlign } from "./frame.js";

/**
 * What the journal holds beyond what the tables have, in order.
 *
 * One frame is written at a time, and the next only when it is durable. So a crash can damage the last frame alone, which
 * was not acknowledged then. A gap before a later frame is no crash: something acknowledged was lost, and a node that
 * has forgotten a vote must not vote on. A single flipped bit is put right, wherever it is.
 *
 * @param options.segments all segments, whole
 * @param options.applied number of the last frame that is in the tables
 * @throws QuorumError `corrupt`
 */
export function framesToReplay(options: {
  readonly segments: readonly Buffer[];
  readonly salt: Uint8Array;
  readonly applied: number;
}): readonly Frame[] {
  const { segments, salt, applied } = options;
  const frames = segments
    .flatMap((segment) => framesIn(segment, salt))
    .filter(({ number }) => number > applied)
    .sort((a, b) => a.number - b.number);
  frames.forEach(({ number }, index) => {
    if (number === applied + 1 + index) return;
    throw new QuorumError({
      code: "corrupt",
      message:
        `the journal lacks frame ${applied + 1 + index}, and has frame ${number}: acknowledged writes were lost; ` +
        "start the node anew with an empty data directory",
    });
  });
  return frames;
}

/** Looks at every place where a frame may start: behind a damaged one, too. */
function framesIn(segment: Buffer, salt: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  for (let offset = 0; offset < segment.length;) {
    const found = decodeFrame(segment, offset, salt) ?? decodeMendedFrame(segment, offset, salt);
    if (found) frames.push(found.frame);
    offset = found?.end ?? offset + frameAlign;
  }
  return frames;
}
