// The documents: a guide leads to another one at the right place, and the samples of the API reference are in the chosen
// language, with buttons that copy them if scripts run.
import assert from "node:assert/strict";

export async function run({ visit, setting }) {
  const guest = await visit();
  await guest.open("/docs/ledger");
  await guest.page.getByRole("heading", { level: 1 }).waitFor();
  await guest.page.getByRole("navigation", { name: "Contents" }).getByRole("link", { name: "Dialects" }).click();
  await guest.page.waitForURL("**/docs/dialects");
  const place = guest.page.locator("main a[href^='/docs/'][href*='#']").first();
  const target = await place.getAttribute("href");
  await place.click();
  await guest.page.waitForURL(`**${target}`);
  await guest.page.locator(`[id="${target.split("#")[1]}"]`).waitFor({ state: "visible" });

  await guest.open("/docs/api#createEmbeddings");
  const operation = guest.page.locator("#createEmbeddings");
  assert.match(await operation.locator("pre").first().innerText(), /^curl '/);
  const copy = operation.getByRole("button", { name: "Copy" });
  assert.equal(await copy.count(), setting.script ? 2 : 0, "buttons only where they work");
  if (setting.script) {
    await guest.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await copy.first().click();
    await guest.page.getByRole("status").filter({ hasText: /Copied|Selected/ }).waitFor({ state: "attached" });
    const copied = await guest.page.evaluate(() => navigator.clipboard.readText());
    assert.match(copied, /\/v1\/embeddings' \\\n/);
  }
  await guest.page.getByRole("navigation", { name: "Language of the samples" }).getByRole("link", { name: "Python" }).click();
  await guest.page.waitForURL(setting.script ? "**/docs/api?code=python#createEmbeddings" : "**/docs/api?code=python");
  await operation.getByText("requests.post(").first().waitFor();
}
