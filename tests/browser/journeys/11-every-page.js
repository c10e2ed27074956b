// Checks every linked page once: axe, budgets, widths. New pages are found automatically.
import assert from "node:assert/strict";
import { crawl } from "../support/crawl.js";
import { Organization } from "../support/organization.js";
import { logIn } from "../support/people.js";

// Difficult names: long, unbreakable, and in other scripts.
const LONG = {
  organization: "Ракетно-космическая корпорация дальних перелётов, отдел двигателей и сопел №17",
  person: "a.person.with.a.very.long.name.who.likes.to.be.reached@a-department.of-acme-rockets.test",
  model: "flagship-with-a-name/that-goes-on-and-on-until-it-has-eighty-letters-2026-11-29",
  standby: "standby",
  provider: "मॉडल और उत्तर देने वाली सेवा: Donaudampfschifffahrtsgesellschaftskapitänsmütze GmbH",
  key: "خدمة الدفع والاشتراكات في بيئة الإنتاج للمنطقة الشمالية والجنوبية والشرقية والغربية",
  session: "checkout-session-without-any-place-to-break-0123456789-0123456789-0123456789-0123456789",
};

export async function run({ visit, server }) {
  const acme = await Organization.make(server, LONG.organization, LONG.person);
  acme.provider = await acme.create("/v1/model-router/providers", { name: LONG.provider, preset: "simulated" });
  await acme.catalog({ [LONG.model]: "sim/error-503", [LONG.standby]: "sim/steady" });
  await acme.create("/v1/identity/api-keys", { name: LONG.key, scopes: ["inference"], models: [LONG.model, LONG.standby] });
  await acme.fallback(LONG.model, [LONG.standby]);
  for (let time = 0; time < 3; time += 1) await acme.ask(LONG.model, { session_id: LONG.session });
  await acme.ask(LONG.standby, { drill: { [LONG.standby]: "timeout" } });

  const stranger = await visit();
  const outside = await crawl(stranger.page, ["/login", "/signup", "/docs"], (path) => opened(stranger, path), (name) => stranger.look(`${name}, outside`));
  assert.deepEqual(outside.broken, []);

  const ada = await visit();
  await logIn(ada, LONG.person);
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
  "docs-fallback",
  "start",
];

async function opened(visit, path) {
  return (await visit.open(path)).status();
}
