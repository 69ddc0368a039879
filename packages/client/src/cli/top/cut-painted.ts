import stringWidth from "string-width";

// No colours, and one column for each character.
const simple = /^[ -~]*$/;
const segments = new Intl.Segmenter();
const codes = /(\x1b\[\d*m)/;

/** Text with colours, cut to so many columns; the colour that was on ends with it. */
export function cutPainted(text: string, columns: number): string {
  if (simple.test(text)) return text.slice(0, columns);
  let width = 0;
  let isOn = false;
  let shown = "";
  for (const [index, piece] of text.split(codes).entries()) {
    if (index % 2 === 1) {
      isOn = piece !== "\x1b[0m";
      shown += piece;
      continue;
    }
    for (const { segment } of segments.segment(piece)) {
      width += stringWidth(segment);
      if (width > columns) return isOn ? `${shown}\x1b[0m` : shown;
      shown += segment;
    }
  }
  return shown;
}
