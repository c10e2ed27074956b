// A key is shown once and never again; after it is revoked, it is refused.
import assert from "node:assert/strict";
import { Organization } from "../support/organization.js";
import { logIn } from "../support/people.js";

export async function run({ visit, server, setting }) {
  const acme = await Organization.make(server);
  await acme.catalog({ smart: "sim/steady" });
  const ada = await visit();
  await logIn(ada);
  await ada.open("/keys");
  await ada.follow("Create key");

  // Invalid input: the form keeps what was typed.
  ada.provokes(422, "/keys/new");
  await ada.fill({ "Requests per minute": "many" });
  await ada.press("Create key");
  await ada.page.getByRole("alert").waitFor();
  assert.equal(await ada.field("Requests per minute").inputValue(), "many");
  await ada.look("create key, refused");
  await ada.fill({ Name: "checkout", "Requests per minute": "600" });
  await ada.press("Create key");
  await ada.page.getByRole("heading", { name: "checkout is created" }).waitFor();
  const key = (await ada.page.getByRole("region", { name: "The key" }).innerText()).trim();
  const works = await acme.ask("smart", { key });
  assert.equal(works.status, 200, JSON.stringify(works.body));
  const snippet = await ada.page.getByRole("region", { name: "A request with it" }).innerText();
  assert.ok(snippet.includes(key) && snippet.includes(server.url), snippet);
  const copy = ada.page.getByRole("button", { name: "Copy" }).first();
  assert.equal(await copy.isVisible(), setting.script);

  // Resubmitting the form by a reload creates no second key and shows none.
  await ada.page.reload();
  await ada.page.getByRole("heading", { level: 1, name: "API keys" }).waitFor();
  await never(ada, key);
  await ada.follow("checkout");
  await ada.page.getByRole("heading", { level: 1, name: "checkout" }).waitFor();
  await never(ada, key);

  await ada.follow("Revoke");
  await ada.sees("One request was made with it in the last 24 hours.");
  await ada.press("Revoke key");
  await ada.page.getByRole("status").filter({ hasText: "checkout was revoked" }).waitFor();
  await never(ada, key);
  const refused = await acme.ask("smart", { key });
  assert.equal(refused.status, 401);
}

async function never(ada, key) {
  const html = await ada.page.content();
  assert.ok(!html.includes(key), `${ada.path()} shows the key`);
  assert.ok(!html.includes(key.slice(12, -4)), `${ada.path()} shows most of the key`);
}
