/** Entry of a client process: performs the load for the process that forked it, and ends with it. */
import { createHash } from "node:crypto";
import { connect } from "@quorumfs/client";
import { QuorumError } from "@quorumfs/core";
import { machineClock } from "@quorumfs/workload-generator";
import { LoadClient } from "../load/load-client.js";
import type { ClientTask, FromClient, ToClient } from "../load/messages.js";

const connectTimeoutMs = 30_000;

let stop: () => void = () => process.exit(0);

process.on("message", (message: ToClient) => {
  if (message.kind === "stop") stop();
  else run(message.task).catch((thrown: unknown) => fail(QuorumError.from(thrown)));
});
process.on("disconnect", () => process.exit(0));
// Ctrl-C on a terminal reaches every process; the one that forked us says when to stop.
process.on("SIGINT", () => undefined);

async function run(task: ClientTask): Promise<void> {
  const client = await connect({ endpoints: task.endpoints, timeoutMs: connectTimeoutMs });
  const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  const load = new LoadClient({ task, client, clock: machineClock(), hash, tell }).start();
  stop = () => load.stop();
  await load.ended;
  await tell({ kind: "stopped" });
  await client.close();
  process.exit(0);
}

/** Resolves when the system has the message: from then on it arrives even if this process is killed. */
function tell(message: FromClient): Promise<void> {
  return new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve()));
}

function fail({ message }: QuorumError): void {
  void tell({ kind: "failed", message }).then(() => process.exit(1));
}
