/** Small charts of one figure without axes, on one scale for all that stand below each other, so that they compare. */
import type { LiveSample } from "../../../src/api.js";
import { h } from "../ui/h.js";
import { effect, onEnd, type Signal } from "../ui/reactive.js";
import { themeChanges } from "../ui/theme.js";
import { isVisible } from "../ui/visibility.js";
import { type Colour, colour, faded } from "./palette.js";

const lineWidth = 1.4;

export function sparkline(options: {
  /** Those to show; the last one is at the right end. */
  samples: () => readonly LiveSample[];
  value: (sample: LiveSample) => number | null;
  /** Upper end of the scale, the same for all. */
  max: () => number;
  colour: Colour;
  seconds: Signal<number>;
}): HTMLCanvasElement {
  const canvas = h("canvas", { class: "sparkline live", "aria-hidden": "true" });
  const draw = (): void => {
    if (!isVisible.get()) return;
    const all = options.samples();
    const endMs = all.at(-1)?.atMs ?? 0;
    const spanMs = options.seconds.get() * 1000;
    const max = options.max();
    themeChanges.get();
    const context = fitted(canvas);
    if (!context) return;
    const { clientWidth: width, clientHeight: height } = canvas;
    const points = all.map((sample) => {
      const value = options.value(sample);
      return {
        x: width * (1 - (endMs - sample.atMs) / spanMs),
        y: value === null ? undefined : height - lineWidth - (height - 2 * lineWidth) * Math.min(1, value / max),
      };
    });
    context.strokeStyle = colour(options.colour);
    context.fillStyle = faded(options.colour, 0.14);
    context.lineWidth = lineWidth;
    context.lineJoin = "round";
    for (const run of runs(points)) drawRun(context, run, height);
  };
  effect(draw);
  const resize = new ResizeObserver(draw);
  resize.observe(canvas);
  onEnd(() => resize.disconnect());
  return canvas;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Stretches in which every value is known. */
function runs(points: readonly { x: number; y: number | undefined }[]): readonly (readonly Point[])[] {
  const found: Point[][] = [];
  let open: Point[] | undefined;
  for (const { x, y } of points) {
    if (y === undefined) open = undefined;
    else if (open) open.push({ x, y });
    else found.push((open = [{ x, y }]));
  }
  return found;
}

function drawRun(context: CanvasRenderingContext2D, run: readonly Point[], height: number): void {
  const [first] = run;
  const last = run.at(-1);
  if (!first || !last) return;
  const line = new Path2D();
  line.moveTo(first.x, first.y);
  for (const { x, y } of run) line.lineTo(x, y);
  const area = new Path2D(line);
  area.lineTo(last.x, height);
  area.lineTo(first.x, height);
  context.fill(area);
  context.stroke(line);
}

/** The canvas's context, cleared, in units of the page on the screen's own pixels. */
export function fitted(canvas: HTMLCanvasElement): CanvasRenderingContext2D | undefined {
  const { clientWidth, clientHeight } = canvas;
  const ratio = devicePixelRatio;
  const width = Math.round(clientWidth * ratio);
  const height = Math.round(clientHeight * ratio);
  if (width === 0 || height === 0) return undefined;
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d");
  if (!context) return undefined;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, clientWidth, clientHeight);
  return context;
}
