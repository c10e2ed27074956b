// Orders a chain of three: with buttons, by position, and with JavaScript by keyboard and by dragging. The next
// request follows the saved order.
import assert from "node:assert/strict";
import { Editor } from "../support/editor.js";
import { Organization } from "../support/organization.js";
import { logIn } from "../support/people.js";

export async function run({ visit, server, setting }) {
  const acme = await Organization.make(server);
  await acme.catalog({ flagship: "sim/steady", amber: "sim/steady", birch: "sim/steady", cedar: "sim/steady" });
  const ada = await visit();
  await logIn(ada);
  await ada.open("/fallbacks", "fallbacks, none yet");
  await ada.field("Model").selectOption("flagship");
  await ada.press("New fallback");
  await ada.page.getByRole("heading", { level: 1, name: "flagship" }).waitFor();
  await ada.look("fallback editor, empty");

  const editor = new Editor(ada);
  for (const name of ["amber", "birch", "cedar"]) await editor.add(name);
  await editor.shows("amber", "birch", "cedar");
  await ada.press("Move birch up");
  await editor.shows("birch", "amber", "cedar");
  await editor.place("cedar", 1);
  await editor.shows("cedar", "birch", "amber");
  if (setting.script) await byHand(ada, editor);
  await ada.press("Move cedar down");
  await editor.shows("birch", "cedar", "amber");
  // Nothing changes before it is saved.
  assert.equal((await acme.call("GET", "/fallback/flagship")).status, 404);
  await editor.save();
  await ada.page.reload();
  await editor.shows("birch", "cedar", "amber");
  await called(acme);
  await ada.open("/fallbacks");
  await ada.page.getByRole("link", { name: "flagship" }).first().waitFor();
}

// Begins and ends with cedar, birch, amber.
async function byHand(ada, editor) {
  const said = ada.page.locator("p.said[role=status]");
  await editor.item("amber").getByRole("button", { name: "Move amber up" }).focus();
  await ada.page.keyboard.press("Alt+ArrowUp");
  await editor.shows("cedar", "amber", "birch");
  await said.filter({ hasText: "amber, position 2 of 3" }).waitFor({ state: "attached" });
  await ada.page.keyboard.press("Alt+ArrowUp");
  await editor.shows("amber", "cedar", "birch");
  await said.filter({ hasText: "amber, position 1 of 3" }).waitFor({ state: "attached" });
  // The focus moves along.
  await ada.page.keyboard.press("Alt+ArrowDown");
  await editor.shows("cedar", "amber", "birch");

  await drag(ada.page, editor.item("birch"), editor.item("amber"));
  await editor.shows("cedar", "birch", "amber");
  await said.filter({ hasText: "birch, position 2 of 3" }).waitFor({ state: "attached" });
}

// Drags like a person: presses on one item, moves stepwise to the upper edge of the other, releases.
async function drag(page, from, to) {
  await from.scrollIntoViewIfNeeded();
  const [start, end] = [await from.locator(".grow").boundingBox(), await to.boundingBox()];
  await page.mouse.move(start.x + start.width / 2, start.y + start.height / 2);
  await page.mouse.down();
  await page.mouse.move(start.x + start.width / 2, start.y, { steps: 4 });
  await page.mouse.move(end.x + end.width / 2, end.y + 3, { steps: 8 });
  await page.mouse.up();
}

// Checks the API: what is stored, and which models were called.
async function called(acme) {
  const stored = await acme.call("GET", "/fallback/flagship");
  assert.equal(stored.status, 200);
  assert.equal(stored.body.model, "flagship");
  assert.deepEqual(stored.body.fallback_models, ["birch", "cedar", "amber"]);
  assert.equal(stored.body.fallback_type, "general");
  const drill = { flagship: "overloaded", birch: "timeout", cedar: "rate_limited" };
  const answer = await acme.ask("flagship", { drill, headers: { "x-failsoft-metadata": "enabled" } });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  assert.equal(answer.body.object, "chat.completion");
  assert.equal(answer.body.model, "amber");
  assert.ok(answer.body.choices[0].message.content);
  assert.deepEqual(answer.body.failsoft.attempts.map((attempt) => attempt.model), ["flagship", "birch", "cedar", "amber"]);
  assert.match(answer.headers.get("x-failsoft-fallback"), /from=flagship; class=overloaded; hops=3/);
}
