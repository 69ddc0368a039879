/**
 * All partitions as a field of cells. A cell has the colour and, where there is room, the number of the DataNode that is asked
 * first, or its zone's. The pointer or the arrow keys choose a cell, and whoever shows the map says what it is.
 */
import type { LayoutView, PartitionView } from "../../../src/api.js";
import { h } from "../ui/h.js";
import { effect, onEnd, type Signal } from "../ui/reactive.js";
import { themeChanges } from "../ui/theme.js";
import { isVisible } from "../ui/visibility.js";
import { type Colour, colour } from "./palette.js";
import { fitted } from "./sparkline.js";

const perRow = 32;
/** Smaller cells have no room for a number. */
const labelledPx = 17;

export interface CellLook {
  readonly colour: Colour;
  readonly label: string;
  /** Not what is being looked for. */
  readonly dim: boolean;
  readonly moving: boolean;
  /** A replica of it is down. */
  readonly impaired: boolean;
}

export function partitionMap(options: {
  layout: () => LayoutView | undefined;
  look: (partition: PartitionView) => CellLook;
  chosen: Signal<number | undefined>;
  describe: (partition: number | undefined) => string;
}): HTMLElement {
  const { layout, look, chosen, describe } = options;
  const count = (): number => layout()?.partitions.length ?? 0;
  const canvas = h("canvas", {
    class: "partition-map live",
    tabindex: 0,
    role: "application",
    "aria-roledescription": "map of partitions",
    "aria-label": () => `${count()} partitions; arrow keys choose one`,
    "aria-describedby": "partition-told",
    onkeydown: (event) => {
      const next = cellAfterKey(event.key, chosen.peek() ?? 0, count());
      if (next === undefined) return;
      event.preventDefault();
      chosen.set(next);
    },
    onfocus: () => {
      if (chosen.peek() === undefined && count() > 0) chosen.set(0);
    },
    onpointermove: (event) => chosen.set(cellAt(canvas, event.offsetX, event.offsetY, count())),
    onpointerdown: (event) => chosen.set(cellAt(canvas, event.offsetX, event.offsetY, count())),
  });
  const draw = (): void => {
    if (!isVisible.get()) return;
    themeChanges.get();
    const partitions = layout()?.partitions ?? [];
    const at = chosen.get();
    canvas.style.aspectRatio = `${perRow} / ${Math.max(1, Math.ceil(partitions.length / perRow))}`;
    const context = fitted(canvas);
    if (!context) return;
    const size = canvas.clientWidth / perRow;
    for (const [index, partition] of partitions.entries()) drawCell(context, index, size, look(partition));
    if (at !== undefined && at < partitions.length) drawChosen(context, at, size);
  };
  effect(draw);
  const resize = new ResizeObserver(draw);
  resize.observe(canvas);
  onEnd(() => resize.disconnect());
  return h(
    "div",
    { class: "map-frame" },
    canvas,
    h("p", { class: "heard", id: "partition-told", "aria-live": "polite" }, () => describe(chosen.get())),
  );
}

function cellAt(canvas: HTMLCanvasElement, x: number, y: number, count: number): number | undefined {
  const size = canvas.clientWidth / perRow;
  const column = Math.min(perRow - 1, Math.max(0, Math.floor(x / size)));
  const cell = Math.max(0, Math.floor(y / size)) * perRow + column;
  return cell < count ? cell : undefined;
}

function cellAfterKey(key: string, cell: number, count: number): number | undefined {
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -perRow,
    ArrowDown: perRow,
    Home: -count,
    End: count,
  };
  const step = steps[key];
  if (step === undefined) return undefined;
  const next = Math.abs(step) === count ? Math.max(0, Math.min(count - 1, cell + step)) : cell + step;
  return next >= 0 && next < count ? next : cell;
}

function corner(index: number, size: number): { x: number; y: number } {
  return { x: (index % perRow) * size, y: Math.floor(index / perRow) * size };
}

function drawCell(context: CanvasRenderingContext2D, index: number, size: number, look: CellLook): void {
  const { x, y } = corner(index, size);
  const inner = size - (size > 8 ? 1.5 : 1);
  context.globalAlpha = look.dim ? 0.16 : 1;
  context.fillStyle = colour(look.colour);
  context.fillRect(x, y, inner, inner);
  if (look.moving) drawStripes(context, { x, y, size: inner });
  if (look.impaired) drawCross(context, { x, y, size: inner });
  else if (size >= labelledPx && !look.moving) {
    context.fillStyle = colour("--surface");
    context.font = `600 ${Math.min(11, size * 0.55)}px ${getComputedStyle(document.body).fontFamily}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(look.label, x + inner / 2, y + inner / 2 + 0.5, inner - 2);
  }
  context.globalAlpha = 1;
}

interface Square {
  readonly x: number;
  readonly y: number;
  readonly size: number;
}

/** It moves. */
function drawStripes(context: CanvasRenderingContext2D, { x, y, size }: Square): void {
  context.save();
  context.beginPath();
  context.rect(x, y, size, size);
  context.clip();
  context.strokeStyle = colour("--surface");
  context.lineWidth = Math.max(1, size / 9);
  context.beginPath();
  for (let offset = -size; offset < size; offset += size / 3) {
    context.moveTo(x + offset, y + size);
    context.lineTo(x + offset + size, y);
  }
  context.stroke();
  context.restore();
}

/** A replica is down. */
function drawCross(context: CanvasRenderingContext2D, { x, y, size }: Square): void {
  const [near, far] = [size * 0.28, size * 0.72];
  context.strokeStyle = colour("--surface");
  context.lineWidth = Math.max(1.2, size / 9);
  context.beginPath();
  context.moveTo(x + near, y + near);
  context.lineTo(x + far, y + far);
  context.moveTo(x + far, y + near);
  context.lineTo(x + near, y + far);
  context.stroke();
}

function drawChosen(context: CanvasRenderingContext2D, index: number, size: number): void {
  const { x, y } = corner(index, size);
  context.strokeStyle = colour("--surface");
  context.lineWidth = 4;
  context.strokeRect(x - 0.5, y - 0.5, size, size);
  context.strokeStyle = colour("--text");
  context.lineWidth = 2;
  context.strokeRect(x - 0.5, y - 0.5, size, size);
}
