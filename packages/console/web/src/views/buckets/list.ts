/** All buckets: what their quorums are and mean. */
import type { BucketList, BucketView } from "../../../../src/api.js";
import { api, describeError } from "../../api.js";
import { linkTo } from "../../router.js";
import { confirm } from "../../ui/confirm.js";
import { each, slot } from "../../ui/dynamic.js";
import { formatTime } from "../../ui/format.js";
import { h } from "../../ui/h.js";
import { icon } from "../../ui/icons.js";
import type { Loaded } from "../../ui/loaded.js";
import { shape } from "../../ui/state.js";
import { toast } from "../../ui/toast.js";

export function bucketTable(list: Loaded<BucketList>): HTMLElement {
  return h(
    "section",
    { class: "panel", "aria-labelledby": "buckets" },
    h("header", {}, h("h2", { id: "buckets" }, "Buckets")),
    slot(() =>
      list.fault() === ""
        ? undefined
        : h("p", { class: "note tone-error", role: "alert" }, shape("error"), list.fault()),
    ),
    h(
      "div",
      { class: "scroll", tabindex: 0, role: "group", "aria-label": "Buckets, table" },
      h(
        "table",
        { class: "cards buckets" },
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            h("th", { scope: "col" }, "Name"),
            ["N", "R", "W"].map((letter) => h("th", { scope: "col", class: "number" }, letter)),
            h("th", { scope: "col" }, "Durable"),
            h("th", { scope: "col", class: "meaning" }, "What that means"),
            h("th", { scope: "col" }, "Created"),
            h("th", { scope: "col" }, h("span", { class: "heard" }, "Actions")),
          ),
        ),
        each({
          parent: h("tbody"),
          items: () => list.value()?.buckets ?? [],
          key: ({ name, id }) => `${name} ${id}`,
          build: (bucket) => bucketRow(bucket.peek(), list.load),
        }),
      ),
    ),
    slot(() =>
      list.value()?.buckets.length === 0 ? h("p", { class: "empty" }, "There is no bucket yet.") : undefined,
    ),
  );
}

function bucketRow(bucket: BucketView, reload: () => void): HTMLElement {
  const { name, replicas, readQuorum, writeQuorum, durability, createdAtMs, meaning } = bucket;
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, h("a", { href: linkTo("files", name, "") }, name)),
    h("td", { class: "number", "data-label": "N" }, replicas),
    h("td", { class: "number", "data-label": "R" }, readQuorum),
    h("td", { class: "number", "data-label": "W" }, writeQuorum),
    h(
      "td",
      { class: "nowrap whole" },
      durability === "fsync" ? "on disk" : h("span", { class: "tag tone-warning" }, "in memory"),
    ),
    h(
      "td",
      { class: "meaning whole" },
      meaning.summary,
      meaning.warning !== null && h("p", { class: "small tone-warning" }, meaning.warning),
    ),
    h("td", { class: "nowrap muted created" }, formatTime(createdAtMs)),
    h(
      "td",
      { class: "number actions" },
      h(
        "button",
        {
          type: "button",
          class: "button plain only-icon",
          "aria-label": `Delete bucket ${name}`,
          title: "Delete",
          onclick: () => void deleteBucket(name, reload),
        },
        icon("trash"),
      ),
    ),
  );
}

async function deleteBucket(name: string, reload: () => void): Promise<void> {
  const sure = await confirm({
    title: "Delete this bucket?",
    text: [h("code", {}, name), " has to be empty for it, and every DataNode up."],
    action: "Delete",
  });
  if (!sure) return;
  try {
    await api.deleteBucket(name);
    toast("good", `Deleted bucket ${name}`);
    reload();
  } catch (error) {
    toast("error", `Bucket ${name} was not deleted: ${describeError(error)}`);
  }
}
