/** What a request carries that nobody follows. */
export const untraced = { operationId: new Uint8Array(0), trace: false, traceparent: "" };
