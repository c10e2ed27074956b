// The form follows the kind. A provider that is unreachable, then refuses the credential, then works: each time the test says
// what to do.
import assert from "node:assert/strict";
import { Organization } from "../support/organization.js";
import { logIn } from "../support/people.js";
import { CREDENTIAL, OFFERS, Vendor } from "../support/vendor.js";

const WRONG = "sk-wrong-credential-987654";
// The label of the credential of a custom server.
const KEY = "API key (optional)";

export async function run({ visit, server, setting }) {
  const acme = await Organization.make(server);
  const vendor = await Vendor.open();
  try {
    const ada = await visit();
    await logIn(ada);
    await kinds(ada, setting.script);
    await add(ada, await Vendor.nowhere());
    await mend(ada, vendor);
    await addModel(ada, acme);
    await addMany(ada, acme);
  } finally {
    await vendor.close();
  }
}

// The fields of a kind appear at once with JavaScript, and with a button without it. What was typed stays.
async function kinds(ada, script) {
  const choose = async (kind) => {
    await ada.field("Kind").selectOption(kind);
    if (!script) await ada.press("Show the fields of this kind");
  };
  await ada.open("/providers/new", "add provider");
  await ada.fill({ Name: "Claude", "Base URL": "https://example.com" });
  await choose("vertex-messages");
  await ada.field("Key file or access token").waitFor();
  assert.match(await ada.field("Base URL").getAttribute("placeholder"), /PROJECT/);
  assert.equal(await ada.field("Base URL").inputValue(), "https://example.com");
  assert.equal(await ada.field("Name").inputValue(), "Claude");
  await ada.look("add provider, key file");
  await ada.fill({ "Base URL": "" });
  await choose("simulated");
  await ada.sees("It needs no credential.");
  assert.equal(await ada.field("Base URL").count(), 0);
}

async function add(ada, nowhere) {
  await ada.open("/providers", "providers, none yet");
  await ada.follow("Add provider");
  // Empty and invalid fields: errors are shown next to the fields, and other input is kept.
  await ada.field("Kind").selectOption("custom");
  await ada.fill({ "Base URL": "nonsense" });
  ada.provokes(422, "/providers/new");
  await ada.press("Add provider");
  await ada.page.getByRole("alert").waitFor();
  await ada.look("add provider, refused");
  assert.equal(await ada.field("Base URL").inputValue(), "nonsense");
  assert.equal(await ada.field("Kind").inputValue(), "custom");
  assert.equal(await ada.field("Name").getAttribute("aria-invalid"), "true");

  await ada.fill({ Name: "Vendor", "Base URL": nowhere, [KEY]: WRONG });
  await ada.press("Add provider");
  await ada.page.getByRole("heading", { level: 1, name: "Vendor" }).waitFor();
  assert.ok(!(await ada.page.content()).includes(WRONG), "a credential is not shown");
}

// Tests the connection, and returns what the report says.
async function test(ada) {
  await ada.press("Test connection");
  const report = ada.page.getByRole("status", { name: "Connection test" });
  await report.waitFor();
  return report.innerText();
}

async function mend(ada, vendor) {
  const unreachable = await test(ada);
  assert.match(unreachable, /What to do/);
  assert.match(unreachable, /address|reach|connect/i);
  await ada.look("provider, out of reach");

  // A new address does not get the credential that was entered for the old one.
  await ada.fill({ "Base URL": vendor.url });
  ada.provokes(422, "/providers/one");
  await ada.press("Save");
  await ada.page.getByRole("alert").waitFor();
  assert.equal(await ada.field("Base URL").inputValue(), vendor.url);
  await ada.fill({ [KEY]: WRONG });
  await ada.press("Save");
  await ada.page.getByRole("status").filter({ hasText: "saved" }).waitFor();

  const refused = await test(ada);
  assert.match(refused, /Credential refused/);
  assert.match(refused, /credential/i);
  assert.ok(!refused.includes(WRONG));

  await ada.fill({ [KEY]: CREDENTIAL });
  await ada.press("Save");
  await ada.page.getByRole("status").filter({ hasText: "saved" }).waitFor();
  const works = await test(ada);
  for (const offer of OFFERS) assert.match(works, new RegExp(offer));
  await ada.look("provider, within reach");
}

// A click adds a model that the provider offers to the catalog.
async function addModel(ada, acme) {
  await ada.follow(`Add model ${OFFERS[0]}`);
  await ada.page.getByRole("heading", { level: 1, name: "Add model" }).waitFor();
  assert.equal(await ada.field("Name").inputValue(), OFFERS[0]);
  await ada.press("Add model");
  await ada.page.getByRole("heading", { level: 1, name: OFFERS[0] }).waitFor();
  const listed = await acme.call("GET", "/v1/models");
  assert.deepEqual(listed.body.data.map((model) => model.id), [OFFERS[0]]);
  await ada.open("/models");
  await ada.sees(OFFERS[0]);
  await ada.open("/providers");
  await ada.sees("Vendor");
}

// The other models of a test are checked and added together.
async function addMany(ada, acme) {
  await ada.open("/providers");
  await ada.follow("Vendor");
  await test(ada);
  for (const offer of OFFERS.slice(1)) await ada.page.getByLabel(`Check ${offer}`).check();
  await ada.look("provider, models checked");
  await ada.fill({ "Prefix of their names (optional)": "vendor/" });
  await ada.press("Add the checked models");
  await ada.page.getByRole("status").filter({ hasText: /(was|were) added/ }).waitFor();
  const listed = await acme.call("GET", "/v1/models");
  const names = listed.body.data.map((model) => model.id).sort();
  assert.deepEqual(names, [OFFERS[0], ...OFFERS.slice(1).map((offer) => `vendor/${offer}`)].sort());
}
