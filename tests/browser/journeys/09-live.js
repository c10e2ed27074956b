// New events appear live, wait while paused, and none is missing or duplicated after a network failure. Without
// JavaScript the page does not change until it is reloaded.
import assert from "node:assert/strict";
import { Organization } from "../support/organization.js";
import { logIn } from "../support/people.js";
import { Wire } from "../support/wire.js";

export async function run({ visit, server, setting }) {
  const acme = await Organization.make(server);
  await acme.catalog({ large: "sim/steady", standby: "sim/steady" });
  // Returns the request's id.
  const fail = async () => {
    const answer = await acme.ask("large", { models: ["standby"], drill: { large: "overloaded" } });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.headers.get("x-request-id");
  };
  const wire = await Wire.lay(server);
  try {
    const ada = await visit({ url: wire.url });
    await logIn(ada);
    const rows = ada.page.locator("#events tr");
    const has = (number) => rows.nth(number - 1).waitFor({ state: "visible" });
    await fail();
    await ada.open("/events?origin=drill");
    await has(1);
    if (setting.script) await live({ visit, ada, rows, has, fail, wire, acme });
    else await reloaded({ ada, rows, fail });
  } finally {
    await wire.remove();
  }
}

async function reloaded({ ada, rows, fail }) {
  assert.equal(await ada.page.getByRole("button", { name: "Follow live" }).isVisible(), false);
  await fail();
  await ada.page.reload();
  assert.equal(await rows.count(), 2);
}

async function live({ visit, ada, rows, has, fail, wire, acme }) {
  const state = ada.page.locator("live-tail .tail-state");
  const says = (text) => state.filter({ hasText: text }).waitFor();
  await ada.press("Follow live");
  await says("Live");
  await fail();
  await has(2);
  await ada.look("events, live");

  // Events recorded between rendering and the first poll appear too.
  const bob = await visit();
  await logIn(bob);
  await bob.open("/events?origin=drill");
  const followed = bob.page.locator("#events tr");
  await ada.press("Pause");
  await says("Paused");
  await fail();
  await bob.press("Follow live");
  await followed.nth(2).waitFor();
  await fail();
  // Followers see an event within two seconds; a paused page does not, and catches up later.
  await followed.nth(3).waitFor();
  assert.equal(await rows.count(), 2);
  await ada.press("Follow live");
  await has(4);

  // The server ends streams regularly; the page opens the next one silently.
  await fail();
  await has(5);
  await ada.page.locator("live-tail").evaluate((tail) => tail.source.dispatchEvent(new MessageEvent("bye", { data: "1" })));
  await fail();
  await has(6);
  await says("Live, 5 new");

  wire.cut();
  await says("Connection lost");
  for (let time = 0; time < 5; time += 1) await fail();
  assert.equal(await rows.count(), 6);
  wire.mend();
  await has(11);
  await fail();
  await has(12);
  ada.forgive(/\/events\/live|ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED/);

  // Each event once, newest first, as recorded.
  const shown = await rows.evaluateAll((all) => all.map((row) => row.id.replace("row-", "")));
  const listed = await acme.call("GET", "/v1/model-router/fallback-events?origin=drill&limit=50");
  const recorded = (listed.body.data ?? listed.body.items).map((event) => event.id);
  assert.deepEqual(shown, recorded);
  await ada.page.reload();
  const loaded = await rows.evaluateAll((all) => all.map((row) => row.id.replace("row-", "")));
  assert.deepEqual(loaded, recorded);
}
