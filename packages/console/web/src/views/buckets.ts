/** The buckets with their quorums, and the making of one. */
import { api } from "../api.js";
import { h } from "../ui/h.js";
import { loaded } from "../ui/loaded.js";
import { createPanel } from "./buckets/create.js";
import { bucketTable } from "./buckets/list.js";

export function bucketsView(): HTMLElement {
  const list = loaded((abort) => api.buckets(abort));
  list.load();
  return h("div", { class: "view" }, bucketTable(list), createPanel(list));
}
