// An invited member joins; actions that the role does not allow are hidden, and refused when tried anyway. Resources
// of another organization do not exist for the member.
import assert from "node:assert/strict";
import { Organization } from "../support/organization.js";
import { PASSWORD, logIn } from "../support/people.js";

export async function run({ visit, server }) {
  const acme = await Organization.make(server);
  const models = await acme.catalog({ flagship: "sim/steady", standby: "sim/steady" });
  await acme.fallback("flagship", ["standby"]);
  const asked = await acme.ask("flagship", { drill: { flagship: "overloaded" } });
  const listed = await acme.call("GET", "/v1/model-router/fallback-events");
  const event = listed.body.items[0].id;
  const request = asked.headers.get("x-request-id");
  const keys = await acme.call("GET", "/v1/identity/api-keys");
  const pages = [
    `/events/${event}`,
    `/requests/${request}`,
    `/fallbacks/${models.flagship.id}`,
    `/models/${models.flagship.id}`,
    `/providers/${acme.provider.id}`,
    `/keys/${keys.body.items[0].id}`,
  ];

  const ada = await visit();
  await logIn(ada);
  const link = await invite(ada);
  const bob = await visit();
  await join(bob, link);
  await looksOnly(bob, pages);

  const other = await Organization.make(server, "Other Orbits", "eve@other.test");
  const eve = await visit();
  await logIn(eve, other.email);
  for (const page of pages) {
    eve.provokes(404, page.replace(/[^/]+$/, "one"));
    const answer = await eve.open(page);
    assert.equal(answer.status(), 404, `${page} belongs to another organization`);
    assert.ok(!(await eve.page.content()).includes("flagship"), page);
  }
  await eve.look("not found");
  await eve.open("/events?origin=drill");
  assert.equal(await eve.page.locator("#events tr").count(), 0);
}

async function invite(ada) {
  await ada.open("/members");
  await ada.fill({ "Email address": "bob@acme.test" });
  await ada.field("Role").selectOption("member");
  await ada.press("Invite");
  const link = ada.page.getByText(/\/invite\//).first();
  await link.waitFor();
  await ada.look("invitation");
  return new URL((await link.innerText()).trim()).pathname;
}

async function join(bob, link) {
  await bob.open(link, "invited");
  await bob.sees("Acme Rockets");
  // Opening the link does not use it up.
  await bob.page.reload();
  await bob.fill({ "Your name": "Bob", "Choose a password": PASSWORD });
  await bob.press("Join");
  await (await bob.menu()).getByText("Acme Rockets").waitFor();
  bob.provokes(404, "/invite/one");
  const again = await bob.open(link);
  assert.notEqual(again.status(), 200);
}

// A member can read everything, and change nothing.
async function looksOnly(bob, pages) {
  const changing = /^(Save|Test connection|Add .*|New fallback|Try it|Create key|Revoke|Invite|Remove.*|Delete .*|Go back to .*)$/;
  for (const page of ["/members", "/fallbacks", "/models", "/providers", "/keys", ...pages]) {
    const answer = await bob.open(page);
    assert.equal(answer.status(), 200, page);
    for (const kind of ["button", "link"]) {
      const found = await bob.page.locator("main").getByRole(kind, { name: changing }).allInnerTexts();
      assert.deepEqual(found, [], `${page} offers a member to change something`);
    }
  }
  assert.equal(await (await bob.menu()).getByRole("link", { name: "Audit" }).count(), 0);
  bob.provokes(403, "/audit");
  const audit = await bob.open("/audit");
  assert.equal(audit.status(), 403);
  await bob.look("not allowed");

  // Sends the requests directly, with everything that a real form would send.
  await bob.open("/members");
  const token = await bob.page.locator("input[name=form_token]").first().inputValue();
  const [, , fallbacks, model, provider] = pages;
  for (const path of ["/members/invite", fallbacks, model, provider, `${provider}/test`, "/keys/new", "/models/new", "/providers/new"]) {
    const answer = await bob.page.request.post(bob.server.url + path, {
      form: { form_token: token, email: "mallory@acme.test", role: "owner", name: "x" },
      headers: { origin: bob.server.url, "sec-fetch-site": "same-origin" },
      maxRedirects: 0,
    });
    assert.equal(answer.status(), 403, `${path}: ${answer.status()}`);
  }
}
