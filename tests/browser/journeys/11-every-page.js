// Every page that a link leads to, looked at once: axe, budgets, widths. New pages are found by themselves.
import assert from "node:assert/strict";
import { crawl } from "../support/crawl.js";
import { Organization } from "../support/organization.js";
import { logIn } from "../support/people.js";

export async function run({ visit, server }) {
  const acme = await Organization.make(server);
  await acme.catalogue({ flagship: "sim/error-503", standby: "sim/steady" });
  await acme.fallback("flagship", ["standby"]);
  for (let time = 0; time < 3; time += 1) await acme.ask("flagship", { session_id: "checkout" });
  await acme.ask("standby", { drill: { standby: "timeout" } });

  const stranger = await visit();
  const outside = await crawl(stranger.page, ["/login", "/signup", "/docs"], (path) => opened(stranger, path), (name) => stranger.look(`${name}, outside`));
  assert.deepEqual(outside.broken, []);

  const ada = await visit();
  await logIn(ada);
  const inside = await crawl(ada.page, ["/", "/start"], (path) => opened(ada, path), (name) => ada.look(name));
  assert.deepEqual(inside.broken, []);
  for (const name of EXPECTED) assert.ok(inside.names.has(name), `no link leads to ${name}`);
}

const EXPECTED = [
  "overview",
  "events",
  "events-one",
  "requests",
  "requests-one",
  "playground",
  "fallbacks",
  "fallbacks-one",
  "fallbacks-one-try",
  "models",
  "models-one",
  "models-new",
  "providers",
  "providers-one",
  "providers-new",
  "keys",
  "keys-one",
  "keys-new",
  "members",
  "audit",
  "settings",
  "account",
  "docs",
  "docs-api",
  "start",
];

async function opened(visit, path) {
  return (await visit.open(path)).status();
}
