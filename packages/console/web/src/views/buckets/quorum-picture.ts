/** R and W as brackets over the N replicas: as far as they overlap, each read meets each write. */
import { svg } from "../../ui/h.js";

const stepPx = 44;
const leftPx = 26;

export function quorumPicture(options: { replicas: number; read: number; write: number }): SVGSVGElement {
  const { replicas, read, write } = options;
  const overlap = Math.max(0, read + write - replicas);
  const width = leftPx * 2 + (replicas - 1) * stepPx;
  const x = (index: number) => leftPx + index * stepPx;
  const told =
    overlap > 0
      ? `Of ${replicas} replicas a read asks ${read} and a write needs ${write}: at least ${overlap} of them are the same.`
      : `Of ${replicas} replicas a read asks ${read} and a write needs ${write}: they may be different ones.`;
  return svg(
    "svg",
    { class: "quorum-picture", viewBox: `0 0 ${width} 96`, width, height: 96, role: "img", "aria-label": told },
    bracket({ from: x(0), to: x(write - 1), y: 22, up: true, text: `W ${write}` }),
    Array.from({ length: replicas }, (_, index) => {
      const isBoth = index < write && index >= replicas - read;
      return [
        svg("circle", { class: `quorum-node${isBoth ? " both" : ""}`, cx: x(index), cy: 48, r: 11 }),
        isBoth && svg("path", { class: "quorum-tick", d: `M${x(index) - 4.5} 48l3 3.5 6-7` }),
      ];
    }),
    bracket({ from: x(replicas - read), to: x(replicas - 1), y: 74, up: false, text: `R ${read}` }),
  );
}

function bracket(options: { from: number; to: number; y: number; up: boolean; text: string }): SVGElement {
  const { from, to, y, up, text } = options;
  const tip = up ? 7 : -7;
  return svg(
    "g",
    { class: up ? "quorum-write" : "quorum-read" },
    svg("path", { d: `M${from - 12} ${y + tip}v${-tip}H${to + 12}v${tip}` }),
    svg("text", { x: (from + to) / 2, y: up ? y - 7 : y + 17, "text-anchor": "middle" }, text),
  );
}
