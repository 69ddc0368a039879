/** Tables that fit into the width of a screen, and text that is cut to it by what terminals show, not by what it is made of. */
import stringWidth from "string-width";
import type { Paint, Style } from "./paint.js";

const gap = "  ";
const segments = new Intl.Segmenter();

/** Cut to so many columns, with an ellipsis where something is left out. Text without colours. */
export function cut(text: string, columns: number): string {
  if (columns <= 0) return "";
  if (stringWidth(text) <= columns) return text;
  let width = 1;
  let shown = "";
  for (const { segment } of segments.segment(text)) {
    width += stringWidth(segment);
    if (width > columns) break;
    shown += segment;
  }
  return `${shown}…`;
}

/** Cut or filled up to just so many columns. */
export function fitted(text: string, columns: number, align: "left" | "right" = "left"): string {
  const shown = cut(text, columns);
  const rest = " ".repeat(Math.max(0, columns - stringWidth(shown)));
  return align === "left" ? `${shown}${rest}` : `${rest}${shown}`;
}

export interface Column<Row> {
  readonly title: string;
  /** Printable text of one line. */
  readonly text: (row: Row) => string;
  readonly align?: "left" | "right";
  readonly style?: (row: Row) => Style | undefined;
  /** Left out where there is no room for all columns, the last of these first. */
  readonly isOptional?: boolean;
}

/** Heads and rows, none wider than the screen: optional columns go first, then the last one is cut. */
export function columnLines<Row>(options: {
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly width: number;
  readonly paint: Paint;
}): readonly string[] {
  const { rows, width, paint } = options;
  const measured = options.columns.map((column) => {
    const texts = rows.map((row) => column.text(row));
    return { ...column, texts, width: Math.max(...[column.title, ...texts].map((text) => stringWidth(text))) };
  });
  const shown = droppedToFit(measured, width);
  const last = shown.at(-1);
  const room = width - (widthOf(shown) - (last?.width ?? 0));
  const line = (cells: readonly { text: string; style: Style | undefined }[]): string =>
    cells
      .map(({ text, style }, index) => {
        const column = shown[index];
        const columns = column === last ? Math.min(room, column?.width ?? 0) : (column?.width ?? 0);
        const cell = fitted(text, columns, column?.align);
        return paint(style, column === last ? cell.trimEnd() : cell);
      })
      .join(gap);
  return [
    line(shown.map(({ title }) => ({ text: title, style: "bold" }))),
    ...rows.map((row, index) =>
      line(shown.map(({ texts, style }) => ({ text: texts[index] ?? "", style: style?.(row) }))),
    ),
  ];
}

function droppedToFit<C extends { readonly width: number; readonly isOptional?: boolean }>(
  columns: readonly C[],
  width: number,
) {
  const shown = [...columns];
  while (widthOf(shown) > width) {
    const dropped = shown.findLastIndex(({ isOptional }) => isOptional);
    if (dropped < 0) break;
    shown.splice(dropped, 1);
  }
  return shown;
}

function widthOf(columns: readonly { readonly width: number }[]): number {
  return columns.reduce((sum, column) => sum + column.width, 0) + gap.length * Math.max(0, columns.length - 1);
}
