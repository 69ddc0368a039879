// As deploy/prometheus/prometheus.yml does.
const scrapeEveryMs = 5_000;

/** Reads pages of metrics as our Prometheus does. */
export class Scraper implements AsyncDisposable {
  readonly #addresses: readonly string[];
  readonly #timer: NodeJS.Timeout;
  #scraping: Promise<void> = Promise.resolve();
  /** Pages that were read, and their bytes. */
  pages = 0;
  bytes = 0;

  constructor(addresses: readonly string[]) {
    this.#addresses = addresses;
    this.#timer = setInterval(() => {
      this.#scraping = this.#scrapeAll();
    }, scrapeEveryMs);
  }

  async #scrapeAll(): Promise<void> {
    await Promise.all(this.#addresses.map((address) => this.#scrape(address).catch(() => undefined)));
  }

  async #scrape(address: string): Promise<void> {
    const response = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(5_000) });
    this.bytes += (await response.text()).length;
    this.pages += 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#scraping;
  }
}
