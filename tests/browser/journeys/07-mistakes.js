// Invalid edits are reported next to their fields and keep what was typed; a concurrent edit is not overwritten; one
// click restores an earlier revision.
import assert from "node:assert/strict";
import { Editor } from "../support/editor.js";
import { Organization } from "../support/organization.js";
import { logIn } from "../support/people.js";

export async function run({ visit, server }) {
  const acme = await Organization.make(server);
  const models = await acme.catalog({ flagship: "sim/steady", amber: "sim/steady", birch: "sim/steady" });
  await acme.fallback("flagship", ["amber"]);
  const ada = await visit();
  await logIn(ada);
  await refused(ada, acme, models.flagship);
  await outrun(ada, acme, models.flagship);
  await reverted(ada, acme);
}

async function refused(ada, acme, flagship) {
  await ada.open(`/models/${flagship.id}`);
  await ada.fill({ Name: "no spaces here", "Context window, in tokens": "plenty", "Prompt": "2.5" });
  ada.provokes(422, "/models/one");
  await ada.press("Save");
  const summary = ada.page.getByRole("alert");
  await summary.waitFor();
  await ada.look("model, refused");
  assert.equal(await ada.field("Name").inputValue(), "no spaces here");
  assert.equal(await ada.field("Context window, in tokens").inputValue(), "plenty");
  assert.equal(await ada.field("Prompt").inputValue(), "2.5");
  // Each error in the summary links to its field, which shows the same message.
  const links = summary.getByRole("link");
  assert.ok((await links.count()) >= 2);
  for (const label of ["Name", "Context window, in tokens"]) {
    const field = ada.field(label);
    const id = await field.getAttribute("id");
    const link = summary.locator(`a[href="#${id}"]`);
    const complaint = await link.innerText();
    await link.click();
    assert.equal(await field.getAttribute("aria-invalid"), "true", label);
    await ada.page.locator(`#${id}-problem`, { hasText: complaint }).waitFor();
  }
  const stored = await acme.call("GET", `/v1/model-router/models/${flagship.id}`);
  assert.equal((stored.body.data ?? stored.body).name, "flagship");
}

async function outrun(ada, acme, flagship) {
  await ada.open(`/fallbacks/${flagship.id}`);
  const editor = new Editor(ada);
  await editor.add("birch");
  await ada.press("Move birch up");
  await editor.shows("birch", "amber");
  await acme.fallback("flagship", ["birch"]);
  ada.provokes(409, "/fallbacks/one");
  await ada.press("Save");
  await ada.page.getByRole("alert").filter({ hasText: "saved first" }).waitFor();
  await ada.look("fallback editor, outrun");
  await editor.shows("birch", "amber");
  assert.deepEqual((await acme.call("GET", "/fallback/flagship")).body.fallback_models, ["birch"]);
  await editor.save();
  assert.deepEqual((await acme.call("GET", "/fallback/flagship")).body.fallback_models, ["birch", "amber"]);
}

async function reverted(ada, acme) {
  const history = ada.page.getByRole("table", { name: /Revisions/ });
  assert.equal(await history.getByRole("row").count(), 4);
  await ada.page.getByRole("button", { name: "Go back to revision 1 of General" }).click();
  await ada.page.getByRole("status").filter({ hasText: "revision 1 is in effect again" }).waitFor();
  await new Editor(ada).shows("amber");
  assert.deepEqual((await acme.call("GET", "/fallback/flagship")).body.fallback_models, ["amber"]);
}
