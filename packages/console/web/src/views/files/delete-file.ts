/** Deletes a file after asking, and only the version that was shown. */
import { api, describeError, type FileName } from "../../api.js";
import { confirm } from "../../ui/confirm.js";
import { h } from "../../ui/h.js";
import { toast } from "../../ui/toast.js";

/** @returns whether it is gone */
export async function deleteFile(file: FileName, version: number): Promise<boolean> {
  const sure = await confirm({
    title: "Delete this file?",
    text: [
      h("code", {}, `${file.bucket}/${file.path}`),
      ` is deleted for everybody, if it still has version ${version}.`,
    ],
    action: "Delete",
  });
  if (!sure) return false;
  try {
    await api.deleteFile(file, version);
    toast("good", `Deleted ${file.path}`);
    return true;
  } catch (error) {
    toast("error", `${file.path} was not deleted: ${describeError(error)}`);
    return false;
  }
}
