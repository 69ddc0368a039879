import { describe, expect, test } from "@jest/globals";
import { UniqueContent } from "../src/content/unique-content.js";
import { seededDraw } from "../src/plan/seeded-random.js";

describe("unique content", () => {
  const content = new UniqueContent({ draw: seededDraw(1), contentBytesMax: 65_536 });

  test.each([41, 1024, 65_536])("%d bytes tell who wrote them", (size) => {
    const made = content.make("0badcafe.0.1z", size);
    expect(made).toHaveLength(size);
    expect(content.identify(made)).toBe("0badcafe.0.1z");
    expect(content.make("0badcafe.0.20", size)).not.toEqual(made);
  });

  test("the same in another process with the same seed", () => {
    const other = new UniqueContent({ draw: seededDraw(1), contentBytesMax: 65_536 });
    expect(other.identify(content.make("0badcafe.1.5", 2000))).toBe("0badcafe.1.5");
  });

  test("one changed byte, a cut and a mixture of two are no content of anybody", () => {
    const made = content.make("0badcafe.0.1", 1000);
    const changed = Uint8Array.from(made);
    changed[999] = (changed[999] ?? 0) ^ 1;
    const mixed = Uint8Array.from(made);
    mixed.set(content.make("0badcafe.0.2", 1000).subarray(500), 500);
    for (const wrong of [changed, mixed]) expect(content.identify(wrong)).toBe("damaged content of 0badcafe.0.1");
    expect(content.identify(new Uint8Array(50))).toBe("foreign content of 50 bytes");
    expect(content.identify(new Uint8Array(0))).toBe("foreign content of 0 bytes");
  });

  test("smaller than a stamp: cut", () => {
    expect(content.make("0badcafe.0.1", 3)).toEqual(Buffer.from("0ba"));
    expect(content.make("0badcafe.0.1", 0)).toHaveLength(0);
  });
});
