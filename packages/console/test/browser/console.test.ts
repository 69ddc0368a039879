import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { QuorumFs } from "@quorumfs/client";
import { type LocalCluster, startCluster, type TemporaryDirectory } from "@quorumfs/local-cluster";
import type { Browser, Locator, Page, Request } from "playwright-core";
import { buildPage } from "./built-page.js";
import { chromiumTimeoutMs, launchChromium } from "./chromium.js";
import { openPage, type WatchedPage } from "./watched-page.js";

/** What the page may weigh before anything is to be seen, compressed. */
const firstLoadBytesMax = 200_000;
/** From the kill to the word on the screen. */
const downShownMs = 5_000;

/** Addresses, and what is to be seen there once all has come. */
const views = [
  ["overview", "Node 3"],
  ["layout", "Node 3"],
  ["files", "cheap-reads"],
  ["files/files/", "reports/"],
  ["files/files/voted.txt", "Exact figures"],
  ["buckets", "Create bucket"],
  ["workload", "Run a workload"],
  ["events", "has joined the cluster"],
] as const;

let built: TemporaryDirectory;
let cluster: LocalCluster;
let client: QuorumFs;
let browser: Browser;
let watched: WatchedPage;
let page: Page;
let url: string;

beforeAll(async () => {
  built = await buildPage();
  [cluster, browser] = await Promise.all([
    startCluster({ nodes: 3, zones: ["a", "b", "c"], console: { pageDirectory: built.path } }),
    launchChromium(),
  ]);
  client = await cluster.client();
  url = cluster.consoleUrl ?? "";
  watched = await openPage(browser);
  page = watched.page;
  page.setDefaultTimeout(15_000);
}, chromiumTimeoutMs);

afterAll(async () => {
  await browser?.close();
  await cluster?.close();
  await built?.remove();
});

const open = (view: string): Promise<unknown> => page.goto(`${url}/#/${view}`);
const panel = (heading: string): Locator =>
  page.locator("section", { has: page.getByRole("heading", { name: heading, exact: true }) });
const isNarrow = (): Promise<boolean> =>
  page.evaluate<boolean>("document.documentElement.scrollWidth <= document.documentElement.clientWidth");

describe("console: first load", () => {
  test("weighs little, and comes from the console alone", async () => {
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    let bytes = 0;
    session.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
    await open("overview");
    await page.getByRole("heading", { name: "Activity" }).waitFor();
    await session.detach();
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThanOrEqual(firstLoadBytesMax);
    expect([...watched.origins]).toEqual([url]);
  });
});

describe("console: overview", () => {
  test("the live chart moves", async () => {
    await open("overview");
    const chart = page.getByRole("img", { name: /^Operations per second/ });
    await chart.waitFor();
    const painted = () => page.evaluate<string>("document.querySelector('.chart canvas').toDataURL()");
    const before = await painted();
    const writing = new AbortController();
    const traffic = writeUntil(writing.signal);
    try {
      await page.getByRole("img", { name: /^Operations per second: .*put [1-9]/ }).waitFor();
      expect(await painted()).not.toBe(before);
      await page.getByRole("img", { name: /^Latency: p50 [\d.]+ / }).waitFor();
      await panel("Busiest").getByText("files/moving/").first().waitFor();
    } finally {
      writing.abort();
      await traffic;
    }
  });

  test("every node has its row", async () => {
    const rows = panel("DataNodes").locator("tbody tr");
    expect(await rows.count()).toBe(3);
    for (const id of [1, 2, 3])
      await rows
        .filter({ hasText: `Node ${id}` })
        .getByText("up", { exact: true })
        .waitFor();
  });
});

describe("console: files", () => {
  const content = randomBytes(300_000);

  test("upload by button, then download, is the same", async () => {
    await open("files/files/reports/");
    await page.getByText("Nothing is here yet").waitFor();
    await page.locator("input[type=file]").setInputFiles({ name: "figures.bin", mimeType: "", buffer: content });
    await panel("Uploads").getByText("stored").waitFor();
    const row = page.locator("tr", { hasText: "figures.bin" });
    const downloading = page.waitForEvent("download");
    await row.getByRole("link", { name: "Download reports/figures.bin" }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe("figures.bin");
    expect(content.equals(await readFile(await download.path()))).toBe(true);
    const stored = await client.get("files/reports/figures.bin");
    expect(content.equals(stored.content)).toBe(true);
  });

  test("upload by drag and drop", async () => {
    const dropped = await page.evaluateHandle(
      "(() => { const all = new DataTransfer(); all.items.add(new File(['dropped'], 'dropped.txt')); return all; })()",
    );
    await page.dispatchEvent(".drop-zone", "drop", { dataTransfer: dropped });
    await page.locator("table.files").getByText("dropped.txt").waitFor();
    expect((await client.get("files/reports/dropped.txt")).content.toString()).toBe("dropped");
  });

  test("only new names: a file that is there stays as it is", async () => {
    await page.getByRole("button", { name: "Clear ended" }).click();
    await page.getByLabel("Only new names").check();
    await page
      .locator("input[type=file]")
      .setInputFiles({ name: "figures.bin", mimeType: "", buffer: Buffer.from("other") });
    await panel("Uploads").getByText("failed").waitFor();
    await panel("Uploads")
      .getByText(/was to be absent/)
      .waitFor();
    expect((await client.stat("files/reports/figures.bin")).file.version).toBe(1);
  });

  test("delete asks first, and deletes", async () => {
    const ask = () => page.getByRole("button", { name: "Delete reports/dropped.txt" }).click();
    await ask();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    await client.stat("files/reports/dropped.txt");
    await ask();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.locator("table.files").getByText("dropped.txt").waitFor({ state: "detached" });
    await expect(client.stat("files/reports/dropped.txt")).rejects.toMatchObject({ code: "not_found" });
  });

  test("markup in a path is shown as text", async () => {
    const name = `<img src=x onerror="document.title='broken'"><b>bold.txt`;
    await client.put(`files/markup/${name}`, "text");
    await open("files/files/markup/");
    await page.getByRole("link", { name, exact: true }).click();
    await page.getByRole("heading", { name: "The vote, explained" }).waitFor();
    await page.getByText("found", { exact: true }).waitFor();
    await page.getByText(name).first().waitFor();
    expect(await page.locator("main img, main b").count()).toBe(0);
    expect(await page.title()).toBe("Files · QuorumFS");
  });
});

describe("console: explain", () => {
  test("shows the vote of each replica, the quorum and the verdict", async () => {
    await client.put("files/voted.txt", "one");
    await client.put("files/voted.txt", "two");
    const told = await client.explain("files/voted.txt");
    await open("files/files/voted.txt");
    const picture = page.getByRole("img", { name: /^Replicas and their ballots: Version 2 is the file/ });
    await picture.waitFor();
    for (const id of [1, 2, 3]) await picture.getByText(`Node ${id}`, { exact: true }).waitFor();
    expect(await picture.getByText("v2").count()).toBe(3);
    await picture.getByText("quorum 2 of 3").waitFor();
    const accepted = told.votes[0]?.copy?.accepted;
    await picture.getByText(`${accepted?.counter}.${accepted?.node}.${accepted?.incarnation}`).waitFor();
    await page.getByText(told.reasons.at(-1) ?? "no reason").waitFor();
  });
});

describe("console: layout", () => {
  test("the map tells of each partition who holds it, by keyboard too", async () => {
    await open("layout");
    const map = page.getByRole("application", { name: /^1024 partitions/ });
    await map.focus();
    await map.press("ArrowDown");
    await map.press("ArrowRight");
    await page.getByText(/^Partition 33: nodes [123] in zone/).waitFor({ state: "attached" });
    await page.locator(".partition-detail").getByText("asked first").waitFor();
  });
});

describe("console: buckets", () => {
  test("the chooser says what a choice means, refuses what does not overlap, and creates", async () => {
    await open("buckets");
    const read = page.getByRole("group", { name: /^R:/ });
    const write = page.getByRole("group", { name: /^W:/ });
    const create = page.getByRole("button", { name: "Create bucket" });
    await read.getByRole("radio").nth(0).check();
    await write.getByRole("radio").nth(0).check();
    await page.getByText("R + W must be greater than N").waitFor();
    expect(await create.getAttribute("aria-disabled")).toBe("true");
    await write.getByRole("radio").nth(2).check();
    await page.getByText("Reads survive").waitFor();
    await page.getByLabel("Name", { exact: true }).fill("Not a name");
    await create.click();
    await page.getByText("A name has 3 to 63").waitFor();
    await page.getByLabel("Name", { exact: true }).fill("cheap-reads");
    await create.click();
    await page.getByRole("row", { name: /cheap-reads/ }).waitFor();
    const made = (await client.buckets.list()).find(({ name }) => name === "cheap-reads");
    expect(made).toMatchObject({ readQuorum: 1, writeQuorum: 3 });
  });
});

describe("console: workload", () => {
  test("runs, and shows what came of it", async () => {
    await open("workload");
    await page.getByLabel("Operations", { exact: true }).fill("200");
    await page.getByLabel("Files", { exact: true }).fill("10");
    await page.getByRole("button", { name: "Run" }).click();
    const results = panel("Results");
    await results.getByText("done", { exact: true }).waitFor({ timeout: 30_000 });
    await results.getByRole("row", { name: /^all / }).waitFor();
  });

  test("stops when it is told to", async () => {
    await page.getByRole("radio", { name: "a time" }).check();
    await page.getByLabel("Seconds", { exact: true }).fill("600");
    await page.getByRole("button", { name: "Run" }).click();
    const now = panel("Running now");
    await now.getByText("running", { exact: true }).waitFor();
    await now.getByRole("button", { name: "Stop" }).click();
    await panel("Results").getByText("stopped", { exact: true }).waitFor();
    await now.getByText("Nothing runs.").waitFor();
  });
});

describe("console: events", () => {
  test("live, filtered, with the newest on top", async () => {
    await open("events");
    await page
      .getByText(/bucket cheap-reads/)
      .first()
      .waitFor();
    await page.getByLabel("About").selectOption("node");
    await page
      .getByText(/has joined the cluster/)
      .first()
      .waitFor();
    await page
      .getByText(/bucket cheap-reads/)
      .first()
      .waitFor({ state: "detached" });
    await page.getByLabel("About").selectOption("");
    await client.buckets.create("noticed");
    await page
      .getByText(/bucket noticed/)
      .first()
      .waitFor();
  });

  test("older ones are loaded when they are asked for", async () => {
    // Pages of three, since a cluster so young has no hundred events yet.
    const short = (url: string) => url.replace("limit=100", "limit=3");
    await page.route(/\/api\/events/, (route) => route.continue({ url: short(route.request().url()) }));
    await page.reload();
    await page.getByText("3 shown").waitFor();
    await page.getByRole("button", { name: "Load older" }).click();
    await page.getByText("6 shown").waitFor();
    expect(await page.locator("ol.events > li").count()).toBe(6);
    await page.unroute(/\/api\/events/);
  });
});

describe("console: for everybody", () => {
  test("by keyboard alone: skip link, navigation, and a visible focus", async () => {
    await open("overview");
    await page.reload();
    await page.getByRole("heading", { name: "Activity" }).waitFor();
    await page.keyboard.press("Tab");
    expect(await page.locator(":focus").textContent()).toBe("Skip to the content");
    await page.keyboard.press("Enter");
    expect(await page.locator(":focus").getAttribute("id")).toBe("main");
    await page.reload();
    await page.getByRole("heading", { name: "Activity" }).waitFor();
    for (let presses = 0; presses < 4; presses++) await page.keyboard.press("Tab");
    expect(await page.locator(":focus").textContent()).toBe("Layout");
    const outline = await page.evaluate<string>("getComputedStyle(document.activeElement).outlineStyle");
    expect(outline).toBe("solid");
    await page.keyboard.press("Enter");
    await page.getByRole("application").waitFor();
    expect(await page.locator("nav [aria-current=page]").textContent()).toBe("Layout");
  });

  test.each(views)("400 px wide: %s needs no sideways scrolling", async (view, shown) => {
    await page.setViewportSize({ width: 400, height: 800 });
    await open(view);
    await page.locator("main").getByText(shown).first().waitFor();
    expect(await isNarrow()).toBe(true);
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  test("dark as the system has it, or as it was chosen", async () => {
    const ground = () => page.evaluate<string>("getComputedStyle(document.documentElement).backgroundColor");
    await open("overview");
    await page.emulateMedia({ colorScheme: "light" });
    const light = await ground();
    await page.emulateMedia({ colorScheme: "dark" });
    const dark = await ground();
    expect(dark).not.toBe(light);
    await page.getByRole("radio", { name: "Light" }).check({ force: true });
    expect(await ground()).toBe(light);
    await page.reload();
    await page.getByRole("heading", { name: "Activity" }).waitFor();
    expect(await ground()).toBe(light);
    await page.getByRole("radio", { name: "As the system has it" }).check({ force: true });
    expect(await ground()).toBe(dark);
    await page.emulateMedia({ colorScheme: null });
  });

  test("no script fails, and nothing breaks the content security policy", () => {
    expect(watched.problems).toEqual([]);
  });
});

describe("console: when things break", () => {
  test("a killed node turns up as down in time, and explain says who is missing", async () => {
    await open("overview");
    const row = panel("DataNodes").locator("tbody tr", { hasText: "Node 3" });
    await row.getByText("up", { exact: true }).waitFor();
    const killedAt = performance.now();
    await cluster.kill(3);
    await row.getByText("down", { exact: true }).waitFor({ timeout: downShownMs });
    expect(performance.now() - killedAt).toBeLessThan(downShownMs);
    await page.setViewportSize({ width: 400, height: 800 });
    expect(await isNarrow()).toBe(true);
    await page.setViewportSize({ width: 1280, height: 800 });
    await open("files/files/voted.txt");
    const picture = page.getByRole("img", { name: /2 of 3 replicas answered/ });
    await picture.waitFor();
    await picture.getByText("✕ no answer").waitFor();
    await cluster.restart(3);
  });

  test("in a tab behind others it has no stream, keeps what it knew, and tells of trouble in its title", async () => {
    await open("overview");
    const rows = panel("DataNodes").locator("tbody tr");
    const row = rows.filter({ hasText: "Node 3" });
    await row.getByText("up", { exact: true }).waitFor();
    const isStream = (request: Request) => request.url().endsWith("/api/stream");
    let opened = 0;
    page.on("request", (request) => (opened += isStream(request) ? 1 : 0));
    const closing = page.waitForEvent("requestfailed", isStream);
    await setHidden(page, true);
    await closing;
    await cluster.kill(3);
    // It asks every ten seconds.
    const isTold = async () => (await page.title()).startsWith("✕");
    await cluster.waitUntil("its title tells of the node", isTold, 20_000);
    expect(opened).toBe(0);
    expect(await rows.count()).toBe(3);
    await cluster.restart(3);
    const opening = page.waitForRequest(isStream);
    await setHidden(page, false);
    await opening;
    expect(await rows.count()).toBe(3);
    await row.getByText("up", { exact: true }).waitFor();
    await cluster.waitUntil("its title tells of nothing any more", async () => !(await page.title()).startsWith("✕"));
    expect(opened).toBe(1);
  });

  test("without the SuperNode the page says that it is stale, and recovers", async () => {
    await open("overview");
    await page.getByRole("heading", { name: "Activity" }).waitFor();
    await cluster.kill("supernode");
    await page.getByText(/does not reach the SuperNode/).waitFor();
    expect(await page.locator(".app[data-stale]").count()).toBe(1);
    expect((await page.locator("main").boundingBox())?.y).toBeLessThan(200);
    await cluster.restart("supernode");
    await page.getByText(/does not reach the SuperNode/).waitFor({ state: "detached" });
    expect(await page.locator(".app[data-stale]").count()).toBe(0);
  });

  test("with a token: nothing without it, everything with it; without the server the page says so", async () => {
    await using guarded = await startCluster({
      nodes: 1,
      console: { token: "correct-horse-battery", pageDirectory: built.path },
    });
    const { page: visitor } = await openPage(browser);
    await visitor.goto(`${guarded.consoleUrl ?? ""}/#/overview`);
    await visitor.getByLabel("Token").fill("wrong-horse-battery");
    await visitor.getByRole("button", { name: "Log in" }).click();
    await visitor.getByText("This is not the token.").waitFor();
    await visitor.getByLabel("Token").fill("correct-horse-battery");
    await visitor.keyboard.press("Enter");
    await visitor.getByText("1 of 1").waitFor();
    await visitor.getByRole("button", { name: "Log out" }).click();
    await visitor.getByLabel("Token").fill("correct-horse-battery");
    await visitor.keyboard.press("Enter");
    await visitor.getByText("1 of 1").waitFor();
    await guarded.close();
    await visitor.getByText(/The console's server does not answer/).waitFor();
    await visitor.close();
  });
});

/** Has the page believe that it is in a tab behind others, or in front again: a browser without a screen shows all of its pages. */
async function setHidden(page: Page, hidden: boolean): Promise<void> {
  await page.evaluate(`Object.defineProperty(document, "hidden", { value: ${hidden}, configurable: true })`);
  await page.evaluate("void document.dispatchEvent(new Event('visibilitychange'))");
}

/** A little traffic on a few files. */
async function writeUntil(stop: AbortSignal): Promise<void> {
  for (let index = 0; !stop.aborted; index++) await client.put(`files/moving/${index % 5}`, `content ${index}`);
}
