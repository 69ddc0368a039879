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

  it("keeps uploads for a day, retired chunks for ten minutes, and a twentieth of the disk free", () => {
    const config = dataNodeConfig({ supernode: "127.0.0.1:7000" });
    expect(config).toMatchObject({ uploadLeaseMs: 86_400_000, retireAfterMs: 600_000, fullBelow: 0.05 });
  });

  it.each([
    ["no port", { supernode: "localhost" }],
    ["port 0 of the SuperNode", { supernode: "localhost:0" }],
    ["port above 65535", { supernode: "localhost:7000", port: 70_000 }],
    ["half a node id", { supernode: "localhost:7000", nodeId: 1.5 }],
    ["a zone with spaces", { supernode: "localhost:7000", zone: "a b" }],
    ["every address, and none to tell", { supernode: "localhost:7000", host: "0.0.0.0" }],
    ["a scrub period below a second", { supernode: "localhost:7000", scrubPeriodMs: 999 }],
    ["no lease for uploads", { supernode: "localhost:7000", uploadLeaseMs: 0 }],
    ["chunks that went before they were retired", { supernode: "localhost:7000", retireAfterMs: -1 }],
    ["a disk that is always full", { supernode: "localhost:7000", fullBelow: 1 }],
    ["an advertised address without port", { supernode: "localhost:7000", advertise: "n1" }],
  ])("refused: %s", (_name, given) => {
    expect(() => dataNodeConfig(given)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });
});
