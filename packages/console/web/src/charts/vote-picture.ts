/**
 * The vote on a file as a picture: a column for each replica, those that were counted first; a row for each ballot that any of
 * them knows, the newest on top; a disc where a replica has accepted that ballot, ringed where it knows that it was chosen, and a
 * rhombus where it has promised it. A line between columns marks the quorum: columns to its left decide.
 */
import type { BallotView, ExplainedVersionView, ReplicaVoteView } from "../../../src/api.js";
import { h, svg } from "../ui/h.js";

/** Three replicas fit a phone. */
const columnPx = 88;
const marginPx = 62;
const headPx = 62;
const rowPx = 40;
const footPx = 30;

export function votePicture(options: {
  title: string;
  votes: readonly ReplicaVoteView[];
  quorum: number;
  version: ExplainedVersionView | null;
  summary: string;
}): HTMLElement {
  const { title, quorum, version, summary } = options;
  const votes = [...options.votes].sort((a, b) => rank(a) - rank(b) || a.node - b.node);
  const ballots = knownBallots(votes);
  const rows = ballots.length;
  const width = marginPx + votes.length * columnPx + 12;
  const height = headPx + Math.max(1, rows) * rowPx + footPx;
  const x = (column: number) => marginPx + (column + 0.5) * columnPx;
  const y = (row: number) => headPx + (row + 0.5) * rowPx;
  const chosenRow = version?.ballot ? ballots.findIndex((ballot) => isSame(ballot, version.ballot)) : -1;
  const lineX = marginPx + quorum * columnPx;

  const picture = svg(
    "svg",
    {
      class: "vote-picture",
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: "img",
      "aria-label": `${title}: ${summary}`,
    },
    votes.map((vote, column) => columnGround(vote, marginPx + column * columnPx, height)),
    ballots.map((ballot, row) => [
      svg("path", { class: "vote-row", d: `M${marginPx} ${y(row)}H${width - 12}` }),
      svg("text", { class: "vote-ballot", x: marginPx - 10, y: y(row) + 4, "text-anchor": "end" }, ballotText(ballot)),
    ]),
    chosenRow >= 0 && chosenBand(marginPx, y(chosenRow), width - 12),
    svg("text", { class: "vote-axis", x: marginPx - 10, y: headPx - 14, "text-anchor": "end" }, "ballot"),
    votes.map((vote, column) => [head(vote, x(column)), ...marks(vote, ballots, x(column), y, height)]),
    svg("path", { class: "vote-quorum", d: `M${lineX} 6V${height - 20}` }),
    svg(
      "text",
      { class: "vote-quorum-text", x: lineX, y: height - 6, "text-anchor": quorum === votes.length ? "end" : "middle" },
      `quorum ${quorum} of ${votes.length}`,
    ),
  );
  return h("div", { class: "scroll picture", tabindex: 0, role: "group", "aria-label": title }, picture);
}

/** Counted, answered, silent. */
function rank({ counted, copy }: ReplicaVoteView): number {
  return counted ? 0 : copy ? 1 : 2;
}

function knownBallots(votes: readonly ReplicaVoteView[]): readonly BallotView[] {
  const all = new Map<string, BallotView>();
  for (const { copy } of votes) {
    for (const ballot of [copy?.promised, copy?.accepted, copy?.committed])
      if (ballot) all.set(ballotText(ballot), ballot);
  }
  return [...all.values()].sort((a, b) => b.counter - a.counter || b.node - a.node || b.incarnation - a.incarnation);
}

function isSame(a: BallotView | null, b: BallotView | null): boolean {
  return a !== null && b !== null && ballotText(a) === ballotText(b);
}

/** As logs and the command line write it. */
export function ballotText({ counter, node, incarnation }: BallotView): string {
  return `${counter}.${node}.${incarnation}`;
}

function columnGround(vote: ReplicaVoteView, left: number, height: number): SVGElement {
  const kind = vote.counted ? "counted" : vote.copy ? "answered" : "silent";
  return svg("rect", {
    class: `vote-column ${kind}`,
    x: left + 3,
    y: 3,
    width: columnPx - 6,
    height: height - 26,
    rx: 6,
  });
}

function chosenBand(left: number, y: number, right: number): SVGElement {
  return svg("rect", { class: "vote-chosen", x: left, y: y - 15, width: right - left, height: 30, rx: 15 });
}

function head({ node, zone, counted, copy }: ReplicaVoteView, x: number): SVGElement {
  const word = counted ? "counted" : copy ? (copy.state === "good" ? "not counted" : copy.state) : "no answer";
  return svg(
    "g",
    { "text-anchor": "middle" },
    svg("text", { class: "vote-node", x, y: 22 }, `Node ${node}`),
    svg("text", { class: "vote-note", x, y: 37 }, zone === "" ? "" : zone.length > 14 ? `${zone.slice(0, 13)}…` : zone),
    svg(
      "text",
      { class: `vote-word${counted ? " counted" : ""}`, x, y: 53 },
      counted ? `✓ ${word}` : copy ? word : `✕ ${word}`,
    ),
  );
}

function marks(
  vote: ReplicaVoteView,
  ballots: readonly BallotView[],
  x: number,
  y: (row: number) => number,
  height: number,
): readonly SVGElement[] {
  const { copy } = vote;
  if (!copy) return [];
  if (!copy.accepted && !copy.promised) {
    return [svg("text", { class: "vote-note", x, y: height - 36, "text-anchor": "middle" }, "no record")];
  }
  return ballots.flatMap((ballot, row) => {
    const made: SVGElement[] = [];
    if (isSame(copy.promised, ballot)) made.push(svg("path", { class: "vote-promised", d: rhombus(x, y(row)) }));
    if (isSame(copy.committed, ballot))
      made.push(svg("circle", { class: "vote-committed", cx: x, cy: y(row), r: 10.5 }));
    if (isSame(copy.accepted, ballot)) {
      made.push(svg("circle", { class: "vote-accepted", cx: x, cy: y(row), r: 6.5 }));
      made.push(
        svg("text", { class: "vote-version", x: x + 15, y: y(row) + 4 }, copy.deleted ? "✝" : `v${copy.version}`),
      );
    }
    return made;
  });
}

function rhombus(x: number, y: number): string {
  return `M${x} ${y - 9}l9 9-9 9-9-9z`;
}
