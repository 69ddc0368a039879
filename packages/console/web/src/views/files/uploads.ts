/** Files on their way into the cluster. They go on while somebody looks at another view. */
import { describeError, type FileName, type Upload, uploadFile } from "../../api.js";
import { type Signal, signal } from "../../ui/reactive.js";

/** At once; more would only share the same line. */
const uploadsAtOnce = 3;

export type UploadState = "waiting" | "sending" | "voting" | "stored" | "failed" | "cancelled";

export interface UploadTask {
  readonly id: number;
  readonly file: FileName;
  readonly size: number;
  readonly state: Signal<UploadState>;
  readonly sentBytes: Signal<number>;
  /** What went wrong, or which version it is. */
  readonly outcome: Signal<string>;
  readonly cancel: () => void;
}

export const uploads = signal<readonly UploadTask[]>([]);
/** Counts uploads that have arrived, for whoever shows a folder. */
export const storedCount = signal(0);

const waiting: (() => void)[] = [];
let sending = 0;
let ids = 0;

export function addUpload(options: { file: FileName; content: File; ifAbsent: boolean }): void {
  const { file, content, ifAbsent } = options;
  ids += 1;
  const state = signal<UploadState>("waiting");
  const sentBytes = signal(0);
  const outcome = signal("");
  let transfer: Upload | undefined;
  const begin = (): void => {
    if (state.peek() !== "waiting") return;
    sending += 1;
    state.set("sending");
    transfer = uploadFile({
      file,
      content,
      ifAbsent,
      onProgress(sent) {
        sentBytes.set(sent);
        // All is sent; the answer comes when enough replicas have it on their disks.
        if (sent >= content.size) state.set("voting");
      },
    });
    void finish(transfer);
  };
  const finish = async ({ stored }: Upload): Promise<void> => {
    try {
      const { file: made } = await stored;
      sentBytes.set(content.size);
      outcome.set(`version ${made.version}`);
      state.set("stored");
      storedCount.set(storedCount.peek() + 1);
    } catch (error) {
      if (state.peek() !== "cancelled") {
        outcome.set(describeError(error));
        state.set("failed");
      }
    } finally {
      sending -= 1;
      startWaiting();
    }
  };
  const task: UploadTask = {
    id: ids,
    file,
    size: content.size,
    state,
    sentBytes,
    outcome,
    cancel() {
      state.set("cancelled");
      transfer?.abort();
    },
  };
  uploads.set([...uploads.peek(), task]);
  waiting.push(begin);
  startWaiting();
}

export function clearEndedUploads(): void {
  uploads.set(uploads.peek().filter(({ state }) => !hasEnded(state.peek())));
}

export function hasEnded(state: UploadState): boolean {
  return state === "stored" || state === "failed" || state === "cancelled";
}

function startWaiting(): void {
  while (sending < uploadsAtOnce) {
    const begin = waiting.shift();
    if (!begin) return;
    begin();
  }
}
