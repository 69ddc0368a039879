/** Files that are read and overwritten: the main process makes them, the load processes use them. */
export const files = 1_000;
export const contentBytes = 1_024;
