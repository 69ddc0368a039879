/** Makes a bucket: its name, and the choice of R, W and durability with what it means. */
import type { BucketList, Durability, QuorumChoice } from "../../../../src/api.js";
import { api, describeError } from "../../api.js";
import { slot } from "../../ui/dynamic.js";
import { h } from "../../ui/h.js";
import { icon } from "../../ui/icons.js";
import type { Loaded } from "../../ui/loaded.js";
import { computed, signal } from "../../ui/reactive.js";
import { segmented } from "../../ui/segmented.js";
import { shape } from "../../ui/state.js";
import { toast } from "../../ui/toast.js";
import { choiceMeaning } from "./meaning.js";
import { quorumPicture } from "./quorum-picture.js";

const namePattern = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;

export function createPanel(list: Loaded<BucketList>): HTMLElement {
  const replicas = computed(() => list.value()?.replicas ?? 0);
  return h(
    "section",
    { class: "panel", "aria-labelledby": "create" },
    h("header", {}, h("h2", { id: "create" }, "Create a bucket")),
    slot(() =>
      replicas.get() === 0
        ? h("p", { class: "muted" }, "Asking what there is to choose from …")
        : form(list, replicas.get()),
    ),
  );
}

function form(list: Loaded<BucketList>, replicas: number): HTMLElement {
  const choices = list.value()?.choices ?? [];
  const usual = choices.find(({ isDefault }) => isDefault);
  const majority = Math.floor(replicas / 2) + 1;
  const read = signal(usual?.readQuorum ?? majority);
  const write = signal(usual?.writeQuorum ?? majority);
  const durability = signal<Durability>(usual?.durability ?? "fsync");
  const fault = signal("");
  const numbers = Array.from({ length: replicas }, (_, index) => index + 1);
  const overlaps = computed(() => read.get() + write.get() > replicas);
  const name = h("input", {
    type: "text",
    id: "bucket-name",
    autocomplete: "off",
    spellcheck: "false",
    autocapitalize: "none",
    maxlength: 63,
    required: true,
    "aria-describedby": "bucket-hint bucket-fault",
    "aria-invalid": () => fault.get() !== "",
    oninput: () => fault.set(""),
  });

  const create = async (): Promise<void> => {
    if (!namePattern.test(name.value)) {
      fault.set("A name has 3 to 63 of a-z, 0-9 and, in between, -");
      name.focus();
      return;
    }
    if (!overlaps.peek()) return;
    try {
      const request = {
        name: name.value,
        readQuorum: read.peek(),
        writeQuorum: write.peek(),
        durability: durability.peek(),
      };
      const made = await api.createBucket(request);
      toast("good", `Created bucket ${made.name}`);
      name.value = "";
      list.load();
    } catch (error) {
      fault.set(describeError(error));
    }
  };

  return h(
    "form",
    {
      class: "chooser",
      novalidate: true,
      onsubmit: (event) => {
        event.preventDefault();
        void create();
      },
    },
    h(
      "div",
      { class: "stack" },
      h(
        "div",
        { class: "field" },
        h("label", { for: "bucket-name" }, "Name"),
        name,
        h("p", { class: "hint", id: "bucket-hint" }, "3 to 63 of a-z, 0-9 and, in between, -"),
        h("p", { class: "fault", id: "bucket-fault", role: "alert" }, () => fault.get()),
      ),
      presets(replicas, (r, w) => {
        read.set(r);
        write.set(w);
      }),
      segmented({
        label: "R: replicas that a read asks",
        labelled: true,
        value: read,
        choices: numbers.map((value) => ({ value, label: value })),
      }),
      segmented({
        label: "W: replicas that must have a write",
        labelled: true,
        value: write,
        choices: numbers.map((value) => ({ value, label: value })),
      }),
      segmented({
        label: "A write is acknowledged when these replicas have it",
        labelled: true,
        value: durability,
        choices: [
          { value: "fsync", label: "on disk" },
          { value: "memory", label: "in memory" },
        ],
      }),
      h(
        "button",
        {
          type: "submit",
          class: "button primary create",
          "aria-disabled": () => (overlaps.get() ? undefined : "true"),
        },
        icon("plus"),
        "Create bucket",
      ),
    ),
    h(
      "div",
      { class: "stack chosen", role: "status", "aria-label": "What this choice means" },
      slot(() => quorumPicture({ replicas, read: read.get(), write: write.get() })),
      slot(() => {
        const found = choices.find(
          (choice: QuorumChoice) =>
            choice.readQuorum === read.get() &&
            choice.writeQuorum === write.get() &&
            choice.durability === durability.get(),
        );
        return overlaps.get()
          ? choiceMeaning({ replicas, read: read.get(), write: write.get(), found })
          : noOverlap(replicas, read.get(), write.get());
      }),
    ),
  );
}

/** Starting points with a name. */
function presets(replicas: number, choose: (read: number, write: number) => void): HTMLElement {
  const majority = Math.floor(replicas / 2) + 1;
  const offered: readonly (readonly [string, number, number])[] = [
    ["Majorities", majority, majority],
    ["Cheapest reads", 1, replicas],
    ["Reads from fewer", Math.max(1, majority - 1), Math.min(replicas, replicas + 2 - majority)],
  ];
  const distinct = offered.filter(
    ([, r, w], index) => offered.findIndex(([, r2, w2]) => r2 === r && w2 === w) === index,
  );
  return h(
    "div",
    { class: "row", role: "group", "aria-label": "Starting points" },
    distinct.map(([label, r, w]) =>
      h("button", { type: "button", class: "button", onclick: () => choose(r, w) }, `${label}: R ${r}, W ${w}`),
    ),
  );
}

function noOverlap(replicas: number, read: number, write: number): HTMLElement {
  return h(
    "p",
    { class: "note tone-error" },
    shape("error"),
    h(
      "span",
      {},
      `R + W must be greater than N: with R ${read} and W ${write} of ${replicas}, a read could ask only replicas that the newest write ` +
        `never reached. Raise R to ${replicas - write + 1} or W to ${replicas - read + 1}.`,
    ),
  );
}
