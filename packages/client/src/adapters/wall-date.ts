/** Only a way to show a time to people: nothing here asks what time it is. */
export type WallDate = Date;

export function wallDate(milliseconds: number): WallDate {
  return new Date(milliseconds);
}

/** ISO 8601 and the like, in ms since 1970; NaN if it is no time. */
export function parseWallMs(text: string): number {
  return Date.parse(text);
}
