// One person's browser: pages are opened, looked at once for their budgets, and acted on by their labels.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import assert from "node:assert/strict";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const MOST_REQUESTS = 4;
const MOST_BYTES = 45 * 1024;

// Pages that were looked at already, by setting and name.
const seen = new Set();

export class Visit {
  constructor(setting, server, context, page) {
    // `server`: {url}, which may be another way to the same server.
    Object.assign(this, { setting, server, context, page, faults: [] });
    page.on("console", (message) => {
      const expected = /Failed to load resource: the server responded with a status of (4\d\d)/.test(message.text());
      if (message.type() === "error" && !expected) this.faults.push(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => this.faults.push(`page: ${error.message}`));
    page.on("requestfailed", (request) => {
      // A stream that the page itself ends is no fault.
      if (request.failure()?.errorText !== "net::ERR_ABORTED") this.faults.push(`request: ${request.url()} ${request.failure()?.errorText}`);
    });
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(server.url) && !url.startsWith("data:") && !url.startsWith("blob:")) this.faults.push(`third party: ${url}`);
    });
  }

  static async begin(setting, server, browser) {
    const context = await browser.newContext(setting.context);
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    return new Visit(setting, server, context, page);
  }

  async open(path, name) {
    const response = await this.page.goto(this.server.url + path);
    if (name) await this.look(name);
    return response;
  }

  // The page as it stands: axe, and, opened cold, its requests, bytes and layout shift.
  async look(name) {
    const key = `${this.setting.name} ${name}`;
    if (seen.has(key)) return;
    seen.add(key);
    await this.#axe(name);
    await this.#cold(name);
  }

  async #axe(name) {
    if (this.setting.script) return this.#audit(this.page, name);
    // axe needs scripts: the same page, as it stands, in a context that runs axe's but none of the page's.
    const url = this.page.url();
    const html = await this.page.content();
    const context = await this.#beside({ javaScriptEnabled: true });
    try {
      await context.route("**/*.js", (route) => route.abort());
      await context.route(url, (route) => route.fulfill({ body: html, contentType: "text/html; charset=utf-8" }));
      const page = await context.newPage();
      await page.goto(url);
      await this.#audit(page, name);
    } finally {
      await context.close();
    }
  }

  async #audit(page, name) {
    await page.evaluate(AXE);
    const found = await page.evaluate(async () => {
      const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
      const result = await globalThis.axe.run(document, { runOnly: { type: "tag", values: tags } });
      return result.violations.map((rule) => `${rule.id}: ${rule.help}\n    ${rule.nodes.map((node) => node.html.slice(0, 160)).join("\n    ")}`);
    });
    assert.equal(found.length, 0, `axe on ${name} (${this.setting.name}):\n${found.join("\n")}`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `${name} (${this.setting.name}) is ${wide} px wider than its window`);
  }

  async #beside(more = {}) {
    const storageState = await this.context.storageState();
    return this.context.browser().newContext({ ...this.setting.context, storageState, ...more });
  }

  async #cold(name) {
    const context = await this.#beside({ javaScriptEnabled: true });
    try {
      const page = await context.newPage();
      const wire = await context.newCDPSession(page);
      await wire.send("Network.enable");
      let requests = 0;
      let bytes = 0;
      wire.on("Network.responseReceived", (event) => (requests += event.type === "EventSource" ? 0 : 1));
      wire.on("Network.loadingFinished", (event) => (bytes += event.encodedDataLength));
      await page.goto(this.page.url(), { waitUntil: "load" });
      assert.ok(requests <= MOST_REQUESTS, `${name}: ${requests} requests`);
      assert.ok(bytes <= MOST_BYTES, `${name}: ${bytes} bytes`);
      const shift = await page.evaluate(
        () =>
          new Promise((resolve) => {
            let sum = 0;
            const add = (list) => list.getEntries().forEach((entry) => (sum += entry.value));
            new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
            setTimeout(() => resolve(sum), 100);
          }),
      );
      assert.equal(shift, 0, `${name}: the layout shifts by ${shift}`);
    } finally {
      await context.close();
    }
  }

  // On a phone the menu is closed until it is asked for.
  async menu() {
    const button = this.page.getByRole("button", { name: "Menu" });
    const menu = this.page.locator("#menu");
    if ((await button.isVisible()) && !(await menu.isVisible())) await button.click();
    await menu.waitFor({ state: "visible" });
    return menu;
  }

  field(label) {
    return this.page.getByLabel(label, { exact: true });
  }

  async fill(fields) {
    for (const [label, value] of Object.entries(fields)) await this.field(label).fill(value);
  }

  async press(name) {
    await this.page.getByRole("button", { name, exact: true }).first().click();
  }

  async follow(name) {
    await this.page.getByRole("link", { name, exact: true }).first().click();
  }

  async sees(text) {
    await this.page.getByText(text).first().waitFor({ state: "visible" });
  }

  path() {
    const url = new URL(this.page.url());
    return url.pathname + url.search;
  }

  // Faults that the journey itself has made.
  forgive(pattern) {
    this.faults = this.faults.filter((fault) => !pattern.test(fault));
  }

  async end() {
    await this.context.close();
    assert.deepEqual(this.faults, [], "faults of the pages");
  }
}
