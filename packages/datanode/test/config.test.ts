import { describe, expect, it } from "@jest/globals";
import { dataNodeConfig } from "../src/index.js";

describe("DataNode configuration", () => {
  it("needs no more than the SuperNode's address", () => {
    expect(dataNodeConfig({ supernode: "127.0.0.1:7000" })).toMatchObject({ host: "127.0.0.1", nodeId: 0 });
  });

  it("scrubs every fortnight, or never by itself", () => {
    const supernode = "127.0.0.1:7000";
    expect(dataNodeConfig({ supernode }).scrubPeriodMs).toBe(14 * 86_400_000);
    expect(dataNodeConfig({ supernode, scrubPeriodMs: 0 }).scrubPeriodMs).toBe(0);
  });

  it.each([
    ["no port", { supernode: "localhost" }],
    ["port 0 of the SuperNode", { supernode: "localhost:0" }],
    ["port above 65535", { supernode: "localhost:7000", port: 70_000 }],
    ["half a node id", { supernode: "localhost:7000", nodeId: 1.5 }],
    ["a zone with spaces", { supernode: "localhost:7000", zone: "a b" }],
    ["every address, and none to tell", { supernode: "localhost:7000", host: "0.0.0.0" }],
    ["a scrub period below a second", { supernode: "localhost:7000", scrubPeriodMs: 999 }],
    ["an advertised address without port", { supernode: "localhost:7000", advertise: "n1" }],
  ])("refused: %s", (_name, given) => {
    expect(() => dataNodeConfig(given)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });
});
