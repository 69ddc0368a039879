/** What a value may carry besides its content. Whoever makes values checks it first; a replica refuses what is above. */

/** Attributes of one file. */
export const attributesMax = 64;

/** Names and values together: they ride along with every vote that shows the value, and with every entry of a list. */
export const attributesBytesMax = 8 * 1024;
