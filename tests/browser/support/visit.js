// One person's browser: pages are opened, looked at once for their budgets, and acted on by their labels.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import assert from "node:assert/strict";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const MOST_REQUESTS = 4;
// On the wire, headers included.
const MOST_BYTES = 45 * 1024;
const MOST_OF_KIND = { stylesheet: 10 * 1024, script: 8 * 1024 };
// A phone of 320 px, or twice the text on one of 640.
const NARROWEST = 320;

// Pages that were looked at already, by setting and name.
const seen = new Set();

async function size(response, kind) {
  const { responseHeadersSize, responseBodySize } = await response.request().sizes();
  return { kind, bytes: responseHeadersSize + responseBodySize };
}

export class Visit {
  constructor(setting, server, context, page) {
    // `server`: {url}, which may be another way to the same server.
    Object.assign(this, { setting, server, context, page, faults: [], clicks: 0 });
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
    await this.#fits(page, name);
  }

  async #beside(more = {}) {
    const storageState = await this.context.storageState();
    return this.context.browser().newContext({ ...this.setting.context, storageState, ...more });
  }

  // Opened with an empty cache: what it costs, and that nothing moves once it is drawn.
  async #cold(name) {
    // A page may be drawn while it still comes in, if the machine is busy; what moves every time is the page's own doing.
    const moved = (await this.#cost(name)).length > 0 ? await this.#cost(name) : [];
    assert.deepEqual(moved, [], `${name}: the layout shifts`);
  }

  async #cost(name) {
    const context = await this.#beside({ javaScriptEnabled: true });
    try {
      const page = await context.newPage();
      const sizes = [];
      page.on("response", (response) => {
        const kind = response.request().resourceType();
        if (kind !== "eventsource" && !response.url().startsWith("data:")) sizes.push(size(response, kind));
      });
      await page.goto(this.page.url(), { waitUntil: "load" });
      const loaded = await Promise.all(sizes);
      assert.ok(loaded.length <= MOST_REQUESTS, `${name}: ${loaded.length} requests`);
      const total = loaded.reduce((sum, { bytes }) => sum + bytes, 0);
      assert.ok(total <= MOST_BYTES, `${name}: ${total} bytes`);
      for (const { kind, bytes } of loaded) assert.ok(bytes <= (MOST_OF_KIND[kind] ?? MOST_BYTES), `${name}: ${bytes} bytes of ${kind}`);
      const moved = await this.#moved(page);
      await page.setViewportSize({ width: NARROWEST, height: 700 });
      await this.#fits(page, `${name} at ${NARROWEST} px`);
      return moved;
    } finally {
      await context.close();
    }
  }

  // What had been drawn and has moved, two frames after the page has loaded.
  async #moved(page) {
    return page.evaluate(
      () =>
        new Promise((resolve) => {
          const found = [];
          const add = (list) => list.getEntries().forEach((entry) => found.push(...entry.sources.map(({ node }) => `${entry.value} ${node?.outerHTML?.slice(0, 120)}`)));
          new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
          requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => resolve(found))));
        }),
    );
  }

  async #fits(page, name) {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `${name} (${this.setting.name}) is ${wide} px wider than its window`);
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
    this.clicks += 1;
    await this.page.getByRole("button", { name, exact: true }).first().click();
  }

  async follow(name) {
    this.clicks += 1;
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
