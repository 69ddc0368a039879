/** Only a way to show a time to people: nothing here asks what time it is. */
export type WallDate = Date;

export function wallDate(milliseconds: number): WallDate {
  return new Date(milliseconds);
}
