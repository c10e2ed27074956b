// Every way in which a model can fail or be skipped shows its reason: in the list, and on the event's page.
import assert from "node:assert/strict";
import { MESSAGES, Organization } from "../support/organization.js";
import { logIn } from "../support/people.js";

// Caused by a drill on the requested model.
const DRILLED = {
  rate_limited: "Rate limited",
  quota_exhausted: "Out of quota",
  overloaded: "Overloaded",
  unavailable: "Unavailable",
  timeout: "Timed out",
  context_window_exceeded: "Prompt too long",
  content_policy: "Content refused",
  authentication: "Credential refused",
  model_not_found: "Model not found",
  invalid_request: "Request refused",
  invalid_response: "Unusable answer",
};

// Caused by a simulated model that fails this way.
const REAL = {
  "cuts-off": "Stream interrupted",
  "switched-off": "Disabled",
  "tiny-window": "Too large",
  blind: "Not supported",
  "keeps-limiting": "Cooling down",
  "never-reached": "Deadline passed",
  dear: "Over budget",
};

const IMAGE = { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } };

async function bringAbout(acme) {
  await acme.catalog({
    flagship: "sim/steady",
    // A hard limit skips models without a price.
    standby: { upstream_model: "sim/steady", price: { input: 0, output: 0, cache_read: null, cache_write: null } },
    "cuts-off": "sim/cut-midstream-chunks-6",
    "switched-off": { upstream_model: "sim/steady", enabled: false },
    "tiny-window": { upstream_model: "sim/steady", context_window: 8 },
    blind: { upstream_model: "sim/steady", capabilities: { vision: false } },
    "keeps-limiting": "sim/rate-limited-60s",
    hangs: "sim/hang",
    "never-reached": "sim/steady",
    forbidden: "sim/steady",
    dear: { upstream_model: "sim/steady", price: { input: 1000000, output: 1000000, cache_read: null, cache_write: null } },
  });
  await acme.fallback("flagship", ["standby"]);
  const answers = [];
  for (const reason of Object.keys(DRILLED)) answers.push(await acme.ask("flagship", { drill: { flagship: reason } }));
  answers.push(await acme.ask("switched-off", { models: ["standby"] }));
  answers.push(await acme.ask("tiny-window", { models: ["standby"], messages: [{ role: "user", content: "word ".repeat(400) }] }));
  answers.push(await acme.ask("blind", { models: ["standby"], messages: [{ role: "user", content: [{ type: "text", text: "What is it?" }, IMAGE] }] }));
  for (let time = 0; time < 2; time += 1) answers.push(await acme.ask("keeps-limiting", { models: ["standby"] }));
  for (const answer of answers) assert.equal(answer.body.model, "standby", JSON.stringify(answer.body));

  const broken = await acme.ask("cuts-off", { models: ["standby"], stream: true });
  assert.match(broken.body, /"finish_reason":\s*"error"/);
  const late = await acme.ask("hangs", { models: ["never-reached"], headers: { "x-failsoft-deadline-ms": "1200" } });
  assert.equal(late.status, 504, JSON.stringify(late.body));

  // A key with a budget of a billionth of a dollar, which no priced model fits into.
  const thrifty = await acme.create("/v1/identity/api-keys", { name: "thrifty", scopes: ["inference"] });
  await acme.create("/v1/model-router/budgets", { api_key_id: thrifty.id, period: "day", hard_limit_nano_dollars: 1 });
  const cheaper = await acme.ask("dear", { models: ["standby"], key: thrifty.key });
  assert.equal(cheaper.body.model, "standby", JSON.stringify(cheaper.body));

  // A key that may not use the model in the middle, and may not learn about it.
  const key = await acme.create("/v1/identity/api-keys", { name: "narrow", scopes: ["inference", "drill"], models: ["flagship", "standby"] });
  await acme.fallback("flagship", ["forbidden", "standby"]);
  const narrow = await acme.ask("flagship", { drill: { flagship: "overloaded" }, key: key.key, messages: MESSAGES });
  assert.equal(narrow.body.model, "standby", JSON.stringify(narrow.body));
}

// The reason in the row of a list, and the path of its page.
async function found(ada, failed, reason) {
  const row = ada.page.locator("#events tr", { hasText: failed }).filter({ hasText: reason }).first();
  await row.waitFor({ state: "visible" });
  return { failed, reason, path: await row.getByRole("link").getAttribute("href") };
}

// The reason on the event's page.
async function explains(ada, { failed, reason, path }) {
  await ada.open(path);
  await ada.page.getByRole("heading", { level: 1, name: failed }).waitFor();
  const why = ada.page.locator("dl.facts div", { hasText: "Why" }).first();
  assert.match(await why.innerText(), new RegExp(reason), `${failed}: ${reason}`);
  const story = await ada.page.locator(".story").innerText();
  assert.match(story, new RegExp(failed), story);
  // The chain diagram: this event's station contains its reason.
  const station = ada.page.locator(".rail .station.here");
  assert.match(await station.innerText(), new RegExp(`${failed}[^]*${reason}`));
}

export async function run({ visit, server }) {
  const acme = await Organization.make(server);
  await bringAbout(acme);
  const ada = await visit();
  await logIn(ada);

  await ada.open("/events?origin=drill");
  const drilled = [];
  for (const words of Object.values(DRILLED)) drilled.push(await found(ada, "flagship", words));
  drilled.push(await found(ada, "forbidden", "Not allowed"));
  await ada.open("/events");
  const real = [];
  for (const [failed, words] of Object.entries(REAL)) real.push(await found(ada, failed, words));
  // Drills are only shown on request.
  assert.equal(await ada.page.locator("#events tr", { hasText: "flagship" }).count(), 0);

  for (const event of drilled) await explains(ada, event);
  for (const event of real) await explains(ada, event);

  // From the overview to the cause of a failover in one click; two are allowed.
  await ada.open("/");
  await ada.page.getByRole("table", { name: "Latest fallback events" }).getByRole("link").first().click();
  await ada.page.locator(".story").waitFor();
  await ada.follow("Open the request");
  await ada.page.getByRole("heading", { name: "Tokens and cost" }).waitFor();
}
