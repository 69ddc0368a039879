import { expect, test } from "@jest/globals";
import { timeoutFromHeader, timeoutToHeader } from "../../src/adapters/timeout-header.js";

test.each([
  ["50m", 50],
  ["2S", 2000],
  ["1M", 60_000],
  ["1H", 3_600_000],
  ["5000u", 5],
  ["1000000n", 1],
  ["99999999H", 2 ** 31 - 1],
])("%s is %d ms", (text, timeoutMs) => {
  expect(timeoutFromHeader(text)).toBeCloseTo(timeoutMs);
});

test.each([undefined, "", "m", "5", "5x", "-5m", "123456789m", "1m; drop"])("%s says nothing", (text) => {
  expect(timeoutFromHeader(text)).toBeUndefined();
});

test.each([0.2, 1, 50, 99_999_999, 100_000_000])("%d ms are written as they will be read, at least 1", (timeoutMs) => {
  expect(timeoutFromHeader(timeoutToHeader(timeoutMs))).toBe(Math.max(1, Math.ceil(timeoutMs)));
});
