// Takes screenshots of every page of the console, at 1440 and 375 px, in light and dark mode: the demo with some
// traffic. Finds pages by following links; of pages that differ only in an id, the first counts.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { launch } from "./support/chromium.js";
import { crawl } from "./support/crawl.js";
import { MESSAGES } from "./support/organization.js";
import { Server } from "./support/server.js";

const LOOKS = [
  [1440, "light"],
  [1440, "dark"],
  [375, "light"],
  [375, "dark"],
];
const HEIGHTS = { 1440: 900, 375: 812 };

// Pages for signed-out visitors, and states that no link leads to.
const OUTSIDE = { "log-in": "/login", "sign-up": "/signup" };
const STATES = {
  "overview-demo": "/?origin=demo&range=7d",
  "events-demo": "/events?origin=demo&range=7d",
  "events-drills": "/events?origin=drill",
  "events-no-match": "/events?class=over_budget",
  "requests-demo": "/requests?origin=demo&range=7d",
  "not-found": "/nothing",
};
const MODELS = ["steady", "smart", "steady", "rate-limited", "short-window", "steady", "filtered", "garbage", "steady", "flaky", "hopeless", "steady", "smart", "slow"];
const DRILLS = ["smart=rate_limited", "smart=timeout", "smart=authentication, steady=unavailable"];

async function traffic(demo) {
  const ask = (model, headers) =>
    fetch(`${demo.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${demo.key}`, "content-type": "application/json", ...headers },
      body: JSON.stringify({ model, messages: MESSAGES, session_id: "checkout-7" }),
    }).then((answer) => answer.text());
  for (const model of MODELS) await ask(model);
  for (const drill of DRILLS) await ask("smart", { "x-failsoft-drill": drill });
}

class Photographer {
  constructor(page, demo, folder) {
    Object.assign(this, { page, demo, folder, taken: 0, bad: [] });
  }

  // Captures every size and theme without reloading the page.
  async take(name) {
    for (const [width, scheme] of LOOKS) {
      await this.page.setViewportSize({ width, height: HEIGHTS[width] });
      await this.page.emulateMedia({ colorScheme: scheme });
      // The window is as high as the page, so that sticky elements are in their place.
      const height = await this.page.evaluate(() => document.documentElement.scrollHeight);
      await this.page.setViewportSize({ width, height: Math.max(height, HEIGHTS[width]) });
      await this.page.screenshot({ path: join(this.folder, `${name}-${width}-${scheme}.png`), fullPage: true });
      const over = await this.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (over > 0) this.bad.push(`${name} is ${over} px wider than ${width} px`);
      this.taken += 1;
    }
  }

  async open(path) {
    await this.page.setViewportSize({ width: 1440, height: HEIGHTS[1440] });
    return this.page.goto(this.demo.url + path);
  }
}

// Pages that only appear after submitting a form.
async function answers(photographer, seen) {
  const { page } = photographer;
  if (seen.has("keys-new")) {
    await photographer.open("/keys/new");
    await page.getByLabel("Name", { exact: true }).fill("checkout");
    await page.getByRole("button", { name: "Create key" }).click();
    await page.getByRole("region", { name: "The key" }).waitFor();
    await photographer.take("keys-made");
  }
  if (seen.has("playground")) {
    await photographer.open("/playground");
    await page.getByLabel("Model", { exact: true }).selectOption("smart");
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator(".station.answered").waitFor();
    await photographer.take("playground-answered");
  }
  if (seen.has("models-new")) {
    await photographer.open("/models/new");
    await page.getByRole("button", { name: "Add model" }).click();
    await page.getByRole("alert").waitFor();
    await photographer.take("models-new-refused");
  }
  if (seen.has("members")) {
    await photographer.open("/members");
    await page.getByLabel("Email address", { exact: true }).fill("bob@example.com");
    await page.getByRole("button", { name: "Invite", exact: true }).click();
    await page.getByText(/\/invite\//).first().waitFor();
    await photographer.take("members-invited");
  }
  if (seen.has("providers-one")) {
    await photographer.open("/providers");
    await page.locator("tbody th a").first().click();
    await page.getByRole("button", { name: "Test connection" }).click();
    await page.getByRole("status", { name: "Connection test" }).waitFor();
    await photographer.take("providers-tested");
  }
}

export async function screenshots(folder) {
  mkdirSync(folder, { recursive: true });
  const browser = await launch();
  const demo = await Server.demo();
  try {
    await traffic(demo);
    const page = await (await browser.newContext()).newPage();
    const photographer = new Photographer(page, demo, folder);
    for (const [name, path] of Object.entries(OUTSIDE)) {
      await photographer.open(path);
      await photographer.take(name);
    }
    await photographer.open(demo.console);
    await photographer.take("enter");
    await page.locator("main form button").click();
    await page.locator("#menu").waitFor({ state: "attached" });
    const { names, broken } = await crawl(page, ["/", "/start"], async (path) => (await photographer.open(path)).status(), (name) => photographer.take(name));
    photographer.bad.push(...broken);
    for (const [name, path] of Object.entries(STATES)) {
      await photographer.open(path);
      await photographer.take(name);
    }
    await answers(photographer, names);
    console.log(`screenshots: ${photographer.taken} pictures in ${folder}`);
    for (const text of photographer.bad) console.log(`screenshots: ${text}`);
    return photographer.bad.length === 0;
  } finally {
    await browser.close();
    await demo.stop();
  }
}
