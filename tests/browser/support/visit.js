// One person's browser: opens pages, checks each page's budgets once, and uses labels to interact.
import { cutOff, lostInForcedColors, tooWide, twiceTheText, usualText } from "./bends.js";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import assert from "node:assert/strict";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const MOST_REQUESTS = 4;
// Bytes on the wire, including headers.
const MOST_BYTES = 45 * 1024;
// The reference shows every route with its code on one page.
const MOST_BYTES_OF = { "docs-api": 52 * 1024 };
const MOST_OF_KIND = { stylesheet: 10 * 1024, script: 8 * 1024 };
// The width of a small phone, or of a 640 px window at 200 % text size.
const NARROWEST = 320;

// Pages that were already checked, by setting and name.
const seen = new Set();

async function size(response, kind) {
  const { responseHeadersSize, responseBodySize } = await response.request().sizes();
  return { kind, bytes: responseHeadersSize + responseBodySize };
}

export class Visit {
  constructor(setting, server, context, page) {
    // `server`: {url}, which may go through a proxy.
    Object.assign(this, { setting, server, context, page, faults: [], refusals: [], provoked: [], clicks: 0 });
    page.on("console", (message) => {
      if (message.type() !== "error") return;
      const [, status] = /Failed to load resource: the server responded with a status of (\d+)/.exec(message.text()) ?? [];
      const url = message.location().url;
      // At the end we know whether the journey expected the refusal.
      if (status && url.startsWith(server.url)) this.refusals.push({ status: Number(status), path: url.slice(server.url.length) });
      else this.faults.push(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => this.faults.push(`page: ${error.message}`));
    page.on("requestfailed", (request) => {
      // A stream that the page itself closes is not a fault.
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

  // Checks the current page: axe, and after a cold load its requests, bytes and layout shift.
  async look(name) {
    const key = `${this.setting.name} ${name}`;
    if (seen.has(key)) return;
    seen.add(key);
    await this.#axe(name);
    await this.#cold(name);
  }

  async #axe(name) {
    if (this.setting.script) return this.#audits(this.page, name);
    // axe needs scripts: loads the same HTML in a context that runs axe's scripts but none of the page's.
    const url = this.page.url();
    const html = await this.page.content();
    const context = await this.#beside({ javaScriptEnabled: true });
    try {
      await context.route("**/*.js", (route) => route.abort());
      await context.route(url, (route) => route.fulfill({ body: html, contentType: "text/html; charset=utf-8" }));
      const page = await context.newPage();
      await page.goto(url);
      await this.#audits(page, name);
    } finally {
      await context.close();
    }
  }

  // Checks both themes, whatever the setting.
  async #audits(page, name) {
    const own = this.setting.context.colorScheme;
    await page.evaluate(AXE);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await this.#audit(page, `${name}, ${colorScheme}`);
    }
    await page.emulateMedia({ colorScheme: own });
  }

  async #audit(page, name) {
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

  // Loads the page with an empty cache and checks its size and layout shift.
  async #cold(name) {
    // On a busy machine a page may render while it is still loading; only shifts that happen every time count.
    const moved = (await this.#cost(name)).length > 0 ? await this.#cost(name) : [];
    assert.deepEqual(moved, [], `${name}: the layout shifts`);
  }

  async #cost(name) {
    const context = await this.#beside({ javaScriptEnabled: true });
    try {
      const page = await context.newPage();
      // HTTP errors are recorded when the page is opened; this catches policy violations and script errors.
      page.on("console", (message) => {
        if (message.type() === "error" && !message.text().startsWith("Failed to load resource: the server responded")) this.faults.push(`console: ${message.text()}`);
      });
      const sizes = [];
      page.on("response", (response) => {
        const kind = response.request().resourceType();
        if (kind !== "eventsource" && !response.url().startsWith("data:")) sizes.push(size(response, kind));
      });
      await page.goto(this.page.url(), { waitUntil: "load" });
      const loaded = await Promise.all(sizes);
      assert.ok(loaded.length <= MOST_REQUESTS, `${name}: ${loaded.length} requests`);
      const total = loaded.reduce((sum, { bytes }) => sum + bytes, 0);
      const most = MOST_BYTES_OF[name.split(",")[0]] ?? MOST_BYTES;
      assert.ok(total <= most, `${name}: ${total} bytes`);
      for (const { kind, bytes } of loaded) assert.ok(bytes <= (MOST_OF_KIND[kind] ?? most), `${name}: ${bytes} bytes of ${kind}`);
      const moved = await this.#moved(page);
      await this.#bends(page, name);
      return moved;
    } finally {
      await context.close();
    }
  }

  // Checks narrow windows, text at twice its size, and forced colors.
  async #bends(page, name) {
    await page.setViewportSize({ width: NARROWEST, height: 700 });
    await this.#whole(page, `${name} at ${NARROWEST} px`);
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.evaluate(twiceTheText);
    await this.#whole(page, `${name} with 200 % text`);
    await page.evaluate(usualText);
    await page.emulateMedia({ forcedColors: "active" });
    // Only keyboard users see the focus ring.
    await page.keyboard.press("Tab");
    for (const lost of await page.evaluate(lostInForcedColors)) this.faults.push(`${name} in forced colors: ${lost}`);
    await page.emulateMedia({ forcedColors: "none" });
  }

  async #whole(page, name) {
    const wide = await page.evaluate(tooWide);
    if (wide.length > 0) this.faults.push(`${name} is wider than its window: ${wide.join(", ")}`);
    for (const cut of await page.evaluate(cutOff)) this.faults.push(`${name} is cut: ${cut}`);
  }

  // Elements that have moved after they were rendered, two frames after load.
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

  // On a phone the menu is closed until it is opened.
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

  // Expects a response with this status; `path` includes the query, with ids and secrets replaced by `one`. Any other
  // error response is a fault.
  provokes(status, path) {
    this.provoked.push({ status, path });
  }

  #unprovoked() {
    const plain = (path) => path.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "one").replace(/^\/(invite|reset|enter)\/[\w-]+/, "/$1/one").split("#")[0];
    const meant = (refusal) => this.provoked.some((own) => own.status === refusal.status && own.path === plain(refusal.path));
    const missing = this.provoked.filter((own) => !this.refusals.some((refusal) => refusal.status === own.status && plain(refusal.path) === own.path));
    return [
      ...this.refusals.filter((refusal) => !meant(refusal)).map(({ status, path }) => `console: ${path} answered ${status}`),
      ...missing.map(({ status, path }) => `${path} was to answer ${status}, and never did`),
    ];
  }

  // Removes faults that the journey itself causes.
  forgive(pattern) {
    this.faults = this.faults.filter((fault) => !pattern.test(fault));
  }

  async end() {
    await this.context.close();
    assert.deepEqual([...this.faults, ...this.#unprovoked()], [], "faults of the pages");
  }
}
