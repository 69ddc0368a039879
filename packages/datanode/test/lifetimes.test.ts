import { describe, expect, it } from "@jest/globals";
import { QuorumError, type StoreFault } from "@quorumfs/core";
import { silentLog } from "@quorumfs/runtime";
import { type Ending, type EarlierLives, type Life, startLifetimes } from "../src/lifetimes.js";

const faulty = (storeFault: StoreFault): QuorumError =>
  new QuorumError({ code: "permission_denied", message: storeFault, details: { storeFault } });

/** Lives as the test says, one after the other: an error instead of a life is a start that fails. */
function lives(...script: readonly ("lives" | QuorumError)[]) {
  const story: string[] = [];
  const ends: ((ending: Ending) => void)[] = [];
  const begin = async ({ address }: EarlierLives, signal: AbortSignal): Promise<Life> => {
    const next = script[story.filter((event) => event.startsWith("begin")).length];
    story.push(`begin${address === undefined ? "" : ` at ${address}`}`);
    if (next instanceof QuorumError) throw next;
    if (next === undefined) {
      await new Promise((resolve) => void signal.addEventListener("abort", resolve));
      throw new QuorumError({ code: "cancelled", message: "stopped" });
    }
    const ended = new Promise<Ending>((resolve) => ends.push(resolve));
    return { address: "here:1", ended, close: async () => void story.push("close") };
  };
  const setAside = (): string => {
    story.push("set aside");
    return "set-aside-1";
  };
  const end = (ending: Ending): void => ends.at(-1)?.(ending);
  return { story, end, start: () => startLifetimes({ begin, setAside, log: silentLog }) };
}

async function settled(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => void setImmediate(resolve));
}

describe("lifetimes of a DataNode", () => {
  it("one", async () => {
    const { story, start } = lives("lives");
    const node = await start();
    expect(node.address).toBe("here:1");
    await node.close();
    await node.ended;
    expect([...new Set(story)]).toEqual(["begin", "close"]);
  });

  it.each(["rolled_back", "retired"] as const)(
    "a start with a store that is %s: set aside, then a new one",
    async (fault) => {
      const { story, start } = lives(faulty(fault), "lives");
      const node = await start();
      expect(story).toEqual(["begin", "set aside", "begin"]);
      await node.close();
    },
  );

  it.each(["foreign", "number_taken", "in_use"] as const)("a store that is %s is never set aside", async (fault) => {
    const { story, start } = lives(faulty(fault));
    await expect(start()).rejects.toThrow(fault);
    expect(story).toEqual(["begin"]);
  });

  it("refused while it serves: started again, on the same address, which tells", async () => {
    const { story, start, end } = lives("lives", faulty("rolled_back"), "lives");
    const node = await start();
    end({ kind: "failed", error: faulty("rolled_back") });
    await settled(() => story.length === 5);
    expect(story).toEqual(["begin", "close", "begin at here:1", "set aside", "begin at here:1"]);
    await node.close();
  });

  it("failed in another way: ended", async () => {
    const { story, start, end } = lives("lives");
    const node = await start();
    end({ kind: "failed", error: new QuorumError({ code: "internal", message: "the disk refused a write" }) });
    await expect(node.ended).rejects.toThrow("the disk refused a write");
    expect(story).toEqual(["begin", "close"]);
  });

  it("left as it was told to: ended in order", async () => {
    const { start, end } = lives("lives");
    const node = await start();
    end({ kind: "left" });
    await node.ended;
  });

  it("new stores that are refused as well: not for ever", async () => {
    const fault = faulty("rolled_back");
    const { story, start } = lives(fault, fault, fault, fault);
    await expect(start()).rejects.toThrow("rolled_back");
    expect(story.filter((event) => event === "set aside")).toHaveLength(3);
  });

  it("closed while a later start waits", async () => {
    const { story, start, end } = lives("lives");
    const node = await start();
    end({ kind: "failed", error: faulty("in_use") });
    await settled(() => story.includes("begin at here:1"));
    await node.close();
    await node.ended;
  });
});
