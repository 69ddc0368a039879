export type Style = "bold" | "dim" | "red" | "yellow" | "green" | "inverse";

/** Codes of "Select Graphic Rendition" (ECMA-48), which every terminal knows. */
const codes: Readonly<Record<Style, number>> = { bold: 1, dim: 2, red: 31, yellow: 33, green: 32, inverse: 7 };

/** Adds colours to text, or leaves it as it is. */
export type Paint = (style: Style | undefined, text: string) => string;

export function paintWith(hasColours: boolean): Paint {
  if (!hasColours) return (_style, text) => text;
  return (style, text) => (style === undefined || text === "" ? text : `\x1b[${codes[style]}m${text}\x1b[0m`);
}
