/** The buckets as folders. */
import { api } from "../../api.js";
import { linkTo } from "../../router.js";
import { slot } from "../../ui/dynamic.js";
import { h } from "../../ui/h.js";
import { icon } from "../../ui/icons.js";
import { loaded } from "../../ui/loaded.js";
import { shape } from "../../ui/state.js";

export function bucketChoice(): HTMLElement {
  const list = loaded((abort) => api.buckets(abort));
  list.load();
  return h(
    "section",
    { class: "panel", "aria-labelledby": "choose-bucket" },
    h(
      "header",
      {},
      h("h2", { id: "choose-bucket" }, "Buckets"),
      h("a", { class: "end", href: linkTo("buckets") }, "Create a bucket"),
    ),
    slot(() => {
      if (list.fault() !== "") return h("p", { class: "note tone-error", role: "alert" }, shape("error"), list.fault());
      const buckets = list.value()?.buckets;
      if (!buckets) return h("p", { class: "muted" }, "Asking for the buckets …");
      if (buckets.length === 0) return h("p", { class: "empty" }, "There is no bucket yet.");
      return h(
        "ul",
        { class: "folders" },
        buckets.map(({ name, meaning }) =>
          h(
            "li",
            {},
            h("a", { href: linkTo("files", name, "") }, icon("buckets"), name),
            h("span", { class: "muted small" }, meaning.summary),
          ),
        ),
      );
    }),
  );
}
