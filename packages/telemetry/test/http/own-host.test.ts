import { describe, expect, test } from "@jest/globals";
import { foreignness, isLoopback } from "../../src/http/own-host.js";

describe("own host", () => {
  test.each(["localhost", "127.0.0.1", "127.8.9.10", "::1", "[::1]", "LOCALHOST"])("loopback: %s", (host) => {
    expect(isLoopback(host)).toBe(true);
  });

  test.each(["0.0.0.0", "::", "10.0.0.1", "127.0.0.1.example.com", "localhost.example.com", "", "1270.0.0.1"])(
    "not loopback: %s",
    (host) => {
      expect(isLoopback(host)).toBe(false);
    },
  );

  const local = { listensOn: "127.0.0.1", names: [] };
  const everywhere = { listensOn: "0.0.0.0", names: [] };
  const named = { listensOn: "0.0.0.0", names: ["console.example.com"] };

  test.each([
    ["by address", "127.0.0.1:7080", undefined, local],
    ["by name", "localhost:7080", "http://localhost:7080", local],
    ["from a tunnel's other port", "localhost:9999", "http://localhost:9999", local],
    ["by IPv6", "[::1]:7080", "http://[::1]:7080", { listensOn: "::1", names: [] }],
    ["any name where it listens everywhere", "node-1:7101", undefined, everywhere],
    ["a name that was given", "console.example.com", "https://console.example.com", named],
    ["loopback where names were given", "localhost:7080", undefined, named],
  ])("its own: %s", (_what, host, origin, server) => {
    expect(foreignness({ host, origin }, server)).toBeUndefined();
  });

  test.each([
    ["no Host", undefined, undefined, local],
    ["a name that points here (DNS rebinding)", "evil.example:7080", undefined, local],
    ["the same with its own Origin", "evil.example:7080", "http://evil.example:7080", local],
    ["loopback as part of a name", "127.0.0.1.evil.example", undefined, local],
    ["another Origin", "127.0.0.1:7080", "http://evil.example", local],
    ["another Origin where it listens everywhere", "node-1:7080", "http://evil.example", everywhere],
    ["another port's Origin", "127.0.0.1:7080", "http://127.0.0.1:3000", local],
    ["an opaque Origin", "127.0.0.1:7080", "null", local],
    ["a Host that is none", "a b:x", undefined, local],
    ["a name that was not given", "other.example.com", undefined, named],
  ])("foreign: %s", (_what, host, origin, server) => {
    expect(foreignness({ host, origin }, server)).not.toBeUndefined();
  });
});
