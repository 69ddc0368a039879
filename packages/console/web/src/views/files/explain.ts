/** The vote on one file, now: a picture, what follows from it and why, and the exact figures. */
import type { Explanation, ReplicaVoteView, Verdict } from "../../../../src/api.js";
import { api, type FileName } from "../../api.js";
import { ballotText, votePicture } from "../../charts/vote-picture.js";
import { slot } from "../../ui/dynamic.js";
import { formatBytes, formatCount, formatMs, noFigure, plural } from "../../ui/format.js";
import { checkbox } from "../../ui/checkbox.js";
import { type Child, h } from "../../ui/h.js";
import { loaded } from "../../ui/loaded.js";
import { computed, effect, onEnd, type Signal, signal } from "../../ui/reactive.js";
import { shape, stateBadge, type StateLook } from "../../ui/state.js";

/** For watching a vote change; every question asks all replicas. */
const againMs = 2_000;

const verdicts: Readonly<Record<Verdict, StateLook>> = {
  found: { tone: "good", word: "found" },
  absent: { tone: "info", word: "no such file" },
  unsettled: { tone: "warning", word: "unsettled" },
  no_quorum: { tone: "error", word: "no quorum" },
};

export function explainPanel(file: FileName): HTMLElement {
  const explanation = loaded((abort) => api.explain(file, abort));
  const repeat = signal(false);
  // What outlives an answer: whether the figures are open, and words that are read aloud only when they are others.
  const areFiguresOpen = signal(false);
  const verdict = computed(() => explanation.value()?.verdict);
  const told = (): string => {
    const known = explanation.value();
    return known ? verdictText(known) : "";
  };
  explanation.load();
  effect(() => {
    if (!repeat.get()) return;
    const timer = setInterval(explanation.load, againMs);
    onEnd(() => clearInterval(timer));
  });
  return h(
    "section",
    { class: "panel", "aria-labelledby": "explain" },
    h(
      "header",
      {},
      h("h2", { id: "explain" }, "The vote, explained"),
      h(
        "div",
        { class: "row end" },
        checkbox({ label: "Keep asking", value: repeat }),
        h("button", { type: "button", class: "button", onclick: explanation.load }, "Ask again"),
      ),
    ),
    slot(() =>
      explanation.fault() === ""
        ? undefined
        : h("p", { class: "note tone-error", role: "alert" }, shape("error"), explanation.fault()),
    ),
    slot(() => {
      const known = verdict.get();
      const look = known && verdicts[known];
      return (
        look &&
        h("p", { class: `note tone-${look.tone} verdict`, role: "status" }, stateBadge(look), h("span", {}, told))
      );
    }),
    slot(() => {
      const known = explanation.value();
      if (known) return body(known, areFiguresOpen);
      return explanation.fault() === ""
        ? h("p", { class: "muted", role: "status" }, "Asking all replicas …")
        : undefined;
    }),
  );
}

function body(explanation: Explanation, areFiguresOpen: Signal<boolean>): HTMLElement {
  const { version, votes, joint, readQuorum } = explanation;
  const picture = (title: string, group: readonly ReplicaVoteView[]): HTMLElement =>
    votePicture({ title, votes: group, quorum: readQuorum, version, summary: verdictText(explanation) });
  return h(
    "div",
    { class: "stack explain" },
    joint
      ? [
          h("h3", {}, "The group that votes now"),
          picture(
            "The group that votes now",
            votes.filter(({ current }) => current),
          ),
          h("h3", {}, "The group that takes over"),
          picture(
            "The group that takes over",
            votes.filter(({ joining }) => joining),
          ),
        ]
      : picture("Replicas and their ballots", votes),
    key(),
    h(
      "div",
      { class: "columns" },
      h(
        "div",
        { class: "stack" },
        h("h3", {}, "Why"),
        h(
          "ol",
          { class: "reasons" },
          explanation.reasons.map((reason) => h("li", {}, reason)),
        ),
      ),
      h(
        "dl",
        { class: "needs" },
        h("dt", {}, "A read"),
        h("dd", {}, explanation.readNeeds),
        h("dt", {}, "A write"),
        h("dd", {}, explanation.writeNeeds),
        h("dt", {}, "Quorums"),
        h("dd", {}, quorumText(explanation)),
      ),
    ),
    figuresTable(votes, areFiguresOpen),
  );
}

function verdictText({ verdict, version, votes }: Explanation): string {
  const answered = votes.filter(({ copy }) => copy !== null).length;
  const asked = `${answered} of ${plural(votes.length, "replica")} answered`;
  switch (verdict) {
    case "found":
      return version ? `Version ${version.version} is the file, ${formatBytes(version.size)}. ${asked}.` : `${asked}.`;
    case "absent":
      return `A read answers that there is no such file. ${asked}.`;
    case "unsettled":
      return `The newest version seen is not known to be chosen: a read would finish it first. ${asked}.`;
    case "no_quorum":
      return `Too few replicas can tell: neither reads nor writes go on. ${asked}.`;
  }
}

function quorumText({
  replicas,
  readQuorum,
  writeQuorum,
  promiseQuorum,
  durability,
  partition,
  layout,
  coordinator,
}: Explanation): string {
  const where = durability === "fsync" ? "on disk" : "in memory";
  return (
    `N ${replicas}, R ${readQuorum}, W ${writeQuorum} ${where}; ${promiseQuorum} promises for a contended write. ` +
    `Partition ${partition}, layout ${layout}; node ${coordinator} asked.`
  );
}

function key(): HTMLElement {
  return h(
    "ul",
    { class: "vote-key small second" },
    h("li", {}, h("i", { class: "key-accepted", "aria-hidden": "true" }), "accepted: has voted for it"),
    h("li", {}, h("i", { class: "key-committed", "aria-hidden": "true" }), "ringed: knows that it was chosen"),
    h("li", {}, h("i", { class: "key-promised", "aria-hidden": "true" }), "promised: takes nothing older"),
    h("li", {}, h("i", { class: "key-chosen", "aria-hidden": "true" }), "band: what a read answers"),
  );
}

const headings = [
  "Node",
  "Answer",
  "Counted",
  "Version",
  "Accepted",
  "Known chosen",
  "Promised",
  "Size",
  "Chunks",
  "Latency",
];

function figuresTable(votes: readonly ReplicaVoteView[], isOpen: Signal<boolean>): HTMLElement {
  const details: HTMLDetailsElement = h(
    "details",
    { open: isOpen.peek(), ontoggle: () => isOpen.set(details.open) },
    h("summary", {}, "Exact figures"),
    h(
      "div",
      { class: "scroll inner", tabindex: 0, role: "group", "aria-label": "Exact figures, table" },
      h(
        "table",
        {},
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            headings.map((heading) => h("th", { scope: "col" }, heading)),
          ),
        ),
        h("tbody", {}, votes.map(figuresRow)),
      ),
    ),
  );
  return details;
}

function figuresRow(vote: ReplicaVoteView): HTMLElement {
  const { node, address, copy, failure, counted, latencyMs } = vote;
  const ballot = (value: Parameters<typeof ballotText>[0] | null | undefined): Child =>
    value ? h("code", {}, ballotText(value)) : noFigure;
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, `Node ${node}`, h("div", { class: "muted small" }, address)),
    h("td", { class: copy ? undefined : "tone-error break" }, copy ? copy.state : (failure ?? "no answer")),
    h("td", {}, counted ? "yes" : "no"),
    h("td", {}, copy ? versionText(copy.version, copy.deleted) : noFigure),
    h("td", {}, ballot(copy?.accepted)),
    h("td", {}, ballot(copy?.committed)),
    h("td", {}, ballot(copy?.promised)),
    h("td", {}, copy && copy.version > 0 ? formatBytes(copy.size) : noFigure),
    h(
      "td",
      {},
      copy && copy.chunksWanted > 0 ? `${formatCount(copy.chunksHeld)} of ${formatCount(copy.chunksWanted)}` : noFigure,
    ),
    h("td", { class: "nowrap" }, copy ? (latencyMs === 0 ? "itself" : formatMs(latencyMs)) : noFigure),
  );
}

function versionText(version: number, deleted: boolean): string {
  if (version === 0) return "none";
  return deleted ? `${version}, deleted` : String(version);
}
