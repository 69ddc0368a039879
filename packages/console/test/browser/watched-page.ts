import type { Browser, Page } from "playwright-core";

export interface WatchedPage {
  readonly page: Page;
  /** Errors of scripts, and whatever breaks the content security policy. */
  readonly problems: string[];
  /** Where the page asked for anything, by origin. */
  readonly origins: Set<string>;
}

/** Answers that are no success are told to the console, too; the page shows them itself. */
const toldByThePage = /^Failed to load resource/;

export async function openPage(
  browser: Browser,
  options: Parameters<Browser["newPage"]>[0] = {},
): Promise<WatchedPage> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
  const problems: string[] = [];
  const origins = new Set<string>();
  page.on("console", (message) => {
    const isBad = message.type() === "error" || message.type() === "warning";
    if (isBad && !toldByThePage.test(message.text())) problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => origins.add(new URL(request.url()).origin));
  return { page, problems, origins };
}
