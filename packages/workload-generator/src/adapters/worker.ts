/** Entry of a worker process: performs one session for the process that forked it, and ends with it. */
import { assert, QuorumError } from "@quorumfs/core";
import type { FromWorker, ToWorker } from "../processes/messages.js";
import type { LocalSession } from "../run/local-session.js";
import type { Session, SessionResult } from "../run/session.js";
import { localSession } from "./local-session.js";

const progressIntervalMs = 200;
/** Operations in a message: some 500 KB, so that progress is not held up. */
const historyPart = 5_000;

let session: LocalSession | undefined;
let progressTimer: NodeJS.Timeout | undefined;

process.on("message", (message: ToWorker) => {
  handle(message).catch((thrown: unknown) => {
    const { code, message: text } = QuorumError.from(thrown);
    send({ kind: "failed", code, message: text });
  });
});
process.on("disconnect", () => process.exit(0));
// Ctrl-C on a terminal reaches every process; the one that forked us says when to stop.
process.on("SIGINT", () => undefined);

async function handle(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case "prepare":
      session = localSession(message.share);
      reportProgress(session);
      await session.prepare();
      send({ kind: "prepared" });
      break;
    case "run":
      assert(session !== undefined, "run comes after prepare");
      await finish(await session.run());
      break;
    case "stop":
      session?.stop();
      break;
  }
}

function reportProgress(of: Session): void {
  progressTimer = setInterval(
    () => send({ kind: "progress", progress: of.progress, live: of.live }),
    progressIntervalMs,
  );
}

async function finish({ measurements, history }: SessionResult): Promise<void> {
  clearInterval(progressTimer);
  for (let at = 0; at < history.length; at += historyPart) {
    send({ kind: "history", operations: history.slice(at, at + historyPart) });
  }
  send({ kind: "done", measurements });
  await session?.close();
}

function send(message: FromWorker): void {
  process.send?.(message);
}
