// Takes a picture of every page of a running demo, in both sizes and both themes, and says what is wrong with it: wider than
// its window, complaints of the browser, more requests or bytes than a page may cost.
//
//   node --experimental-websocket tests/browser/screenshots.mjs PROGRAM FOLDER

import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startBrowser } from "./browser.mjs";

const [program, folder] = process.argv.slice(2);
const LOOKS = [[1440, "light"], [1440, "dark"], [375, "light"], [375, "dark"]];
const MOST_REQUESTS = 4;
const MOST_BYTES = 45 * 1024;

/** Starts the demo, and returns what it says: its address, the link into the console, a key. */
async function startDemo() {
  const demo = spawn(program, ["demo", "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  await new Promise((resolve, reject) => {
    demo.on("exit", () => reject(new Error(`the demo ended: ${said}`)));
    demo.stdout.on("data", (data) => { said += data; if (said.includes("Ctrl-C")) resolve(); });
  });
  demo.removeAllListeners("exit");
  const found = (pattern) => pattern.exec(said)[0];
  return {
    url: found(/http:\/\/127\.0\.0\.1:\d+/), entrance: found(/http:\S+\/enter\/\S+/), key: found(/fsk_\w+/),
    stop: () => new Promise((resolve) => { demo.on("exit", resolve); demo.kill("SIGINT"); }),
  };
}

/** Some live traffic: what answers, what fails and is saved, and what fails for good. */
async function ask({ url, key }) {
  const models = ["steady", "smart", "steady", "rate-limited", "short-window", "steady", "filtered", "garbage", "steady", "flaky", "hopeless", "steady", "smart", "slow"];
  for (const model of models) {
    const body = JSON.stringify({ model, session_id: "checkout-7", messages: [{ role: "user", content: "Are you there?" }] });
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    await (await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body })).text();
  }
}

/** The pages by name: those of the navigation, and what only a link on a page leads to. */
async function pages(page, url) {
  const links = (selector) => page.evaluate(`[...document.querySelectorAll(${JSON.stringify(selector)})].map((link) => link.getAttribute("href"))`);
  await page.go(`${url}/`);
  const list = (await links(".side a[href^='/']")).filter((path) => path !== "/docs/api");
  const named = [...new Set(list)].map((path) => [path.slice(1).replaceAll("/", "-") || "overview", path]);
  named.push(["overview-demo", "/?origin=demo&range=7d"], ["events-demo", "/events?origin=demo&range=7d"], ["requests-demo", "/requests?origin=demo"], ["events-no-match", "/events?class=deadline"], ["not-found", "/nothing"]);
  for (const area of ["events", "requests"]) {
    await page.go(`${url}/${area}`);
    const [first] = await links("tbody th a");
    if (first) named.push([area.slice(0, -1), first]);
  }
  return named;
}

/** What a page costs who has never been here. */
async function cost(page, address) {
  let requests = 0;
  let bytes = 0;
  page.on("Network.requestWillBeSent", ({ request }) => { if (!request.url.startsWith("data:")) requests += 1; });
  page.on("Network.loadingFinished", ({ encodedDataLength }) => { bytes += encodedDataLength; });
  await page.call("Network.setCacheDisabled", { cacheDisabled: true });
  await page.go(address);
  await page.call("Network.setCacheDisabled", { cacheDisabled: false });
  page.off();
  return { requests, bytes };
}

await mkdir(folder, { recursive: true });
const demo = await startDemo();
const browser = await startBrowser();
let bad = 0;
const complain = (text) => { bad += 1; console.log(text); };
try {
  await ask(demo);
  const page = await browser.page();
  const outside = [["log-in", "/login"], ["sign-up", "/signup"]];
  const take = async (named) => {
    for (const [name, path] of named) {
      for (const [width, scheme] of LOOKS) {
        await page.look({ width, scheme });
        await page.go(demo.url + path);
        await writeFile(join(folder, `${name}-${width}-${scheme}.png`), await page.picture());
        const overflow = await page.overflow();
        if (overflow > 0) complain(`${name} at ${width}: ${overflow} px too wide`);
      }
      await page.look({ width: 1440 });
      const { requests, bytes } = await cost(page, demo.url + path);
      console.log(`${name}: ${requests} requests, ${bytes} bytes`);
      if (requests > MOST_REQUESTS || bytes > MOST_BYTES) complain(`${name} costs too much`);
      page.complaints.splice(0).filter((text) => !(name === "not-found" && text.includes("404"))).forEach((text) => complain(`${name}: ${text}`));
    }
  };
  await page.look({ width: 1440 });
  await take(outside);
  await page.go(demo.entrance);
  await writeFile(join(folder, "enter-1440-light.png"), await page.picture());
  await page.leave(() => page.evaluate("document.querySelector('main form button').click()"));
  await take(await pages(page, demo.url));
} finally {
  await browser.close();
  await demo.stop();
}
process.exit(bad > 0 ? 1 : 0);
