/** What a request carries that is no operation of a caller's. */
export const untraced = { operationId: new Uint8Array(0), trace: false, traceparent: "" };
