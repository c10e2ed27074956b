// Filters are in the URL, which can be shared; the CSV file has the rows of the page. A pasted id leads to its page.
import assert from "node:assert/strict";
import { Organization } from "../support/organization.js";
import { PASSWORD, logIn } from "../support/people.js";

const ids = async (visit) => (await visit.page.locator("#events tr").evaluateAll((rows) => rows.map((row) => row.id.replace("row-", ""))));

// The first column of a CSV file whose ids contain no quotes.
const firstColumn = (text) => text.trim().split(/\r?\n/).slice(1).map((line) => line.split(",")[0]);

async function download(visit, address) {
  const answer = await visit.page.request.get(new URL(address, visit.server.url).href);
  assert.equal(answer.status(), 200);
  assert.match(answer.headers()["content-type"], /^text\/csv/);
  return answer.text();
}

export async function run({ visit, server, setting }) {
  const acme = await Organization.make(server);
  await acme.catalog({ fast: "sim/steady", large: "sim/steady", standby: "sim/steady" });
  const fail = (model, reason, more) => acme.ask(model, { models: ["standby"], drill: { [model]: reason }, ...more });
  for (let time = 0; time < 7; time += 1) await fail("fast", "timeout");
  for (let time = 0; time < 3; time += 1) await fail("large", "timeout", { session_id: "checkout, \"quoted\"" });
  for (let batch = 0; batch < 10; batch += 1) await Promise.all(Array.from({ length: 5 }, () => fail("large", "overloaded")));

  const ada = await visit();
  await logIn(ada);
  await ada.open("/events");
  await ada.sees("No fallbacks yet");
  await ada.look("events, none yet");

  await ada.field("Origin").selectOption("Drills");
  await ada.press("Show");
  await ada.page.waitForURL("**/events?*origin=drill*");
  await ada.look("events, a full page");
  // 60 in total: a page of 50, and the rest on the next page.
  const newest = await ids(ada);
  assert.equal(newest.length, 50);
  await ada.page.getByRole("link", { name: "Older" }).click();
  await ada.page.waitForURL("**older=*");
  const oldest = await ids(ada);
  assert.equal(oldest.length, 10);
  assert.equal(new Set([...newest, ...oldest]).size, 60);
  await ada.page.getByRole("link", { name: "Newer" }).click();
  await ada.page.waitForURL((url) => !url.search.includes("older="));
  assert.deepEqual(await ids(ada), newest);

  await ada.field("Failed model").selectOption("large");
  await ada.field("Reason").selectOption("Timed out");
  await ada.press("Show");
  await ada.page.waitForURL("**class=timeout*");
  const rows = await ids(ada);
  assert.equal(rows.length, 3);
  const shared = ada.path();
  const text = await download(ada, await ada.page.getByRole("link", { name: "CSV" }).getAttribute("href"));
  assert.deepEqual(firstColumn(text).sort(), [...rows].sort());
  assert.ok(text.includes('"checkout, ""quoted"""'), text);

  // Another member who opens the URL signs in first, and sees the same rows.
  const bob = await visit();
  await bob.open(shared);
  assert.match(bob.path(), /^\/login\?/);
  await bob.fill({ "Email address": acme.email, Password: PASSWORD });
  await bob.press("Log in");
  await bob.page.waitForURL("**/events?*");
  assert.equal(bob.path(), shared);
  assert.deepEqual(await ids(bob), rows);
  assert.equal(await bob.field("Reason").inputValue(), "timeout");

  await bob.page.locator("summary", { hasText: "More filters" }).click();
  await bob.fill({ Session: "unknown" });
  await bob.press("Show");
  await bob.sees("No event matches these filters");
  await bob.look("events, no match");
  await bob.follow("Clear the filters");
  await bob.page.waitForURL("**/events");

  // Invalid filters are reported, and the valid ones still apply.
  const strange = await bob.open("/events?class=nonsense&range=year&older=x&since=noon");
  assert.equal(strange.status(), 200);
  await bob.page.getByRole("status").filter({ hasText: "Reason" }).first().waitFor();
  await bob.look("events, strange filters");

  await requests(ada, setting.script);
}

async function requests(ada, script) {
  await ada.open("/requests?origin=drill&model=large&outcome=answered");
  const rows = await ada.page.locator("tbody tr").evaluateAll((all) => all.map((row) => row.id.replace("row-", "")));
  assert.equal(rows.length, 50);
  const text = await download(ada, await ada.page.getByRole("link", { name: "CSV" }).getAttribute("href"));
  const exported = firstColumn(text);
  assert.equal(exported.length, 53);
  assert.ok(rows.every((id) => exported.includes(id)));
  await finds(ada, rows[0], script);
}

// The key / leads to the field; without JavaScript it is in the menu.
async function finds(ada, id, script) {
  const field = ada.field("Find an id or a name");
  if (script) {
    await ada.page.keyboard.press("/");
    assert.ok(await field.evaluate((own) => own === document.activeElement));
  } else {
    await ada.menu();
  }
  await field.fill(id);
  await field.press("Enter");
  await ada.page.waitForURL(`**/requests/${id}`);
  await ada.open("/find?q=a", "find");
}
