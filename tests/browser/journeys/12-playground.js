// The playground: with JavaScript the answer streams in, can be stopped, and ends up like the page without
// JavaScript. It asks in each dialect.
import assert from "node:assert/strict";
import { Organization } from "../support/organization.js";
import { logIn } from "../support/people.js";
import { Speaker } from "../support/speaker.js";

export async function run({ visit, server, setting }) {
  const acme = await Organization.make(server);
  await acme.catalog({ down: "sim/error-503", steady: "sim/steady" });
  const speaker = await Speaker.open();
  try {
    const body = { name: "speaker", preset: "custom", base_url: speaker.url, credential: "sk-of-the-test" };
    const { id } = await acme.create("/v1/model-router/providers", body);
    await acme.create("/v1/model-router/models", { name: "speaker", upstream_model: "m", provider_id: id, num_retries: 0 });
    await acme.fallback("down", ["speaker"]);
    const ada = await visit();
    await logIn(ada);
    await ada.open("/playground?model=down");
    await ada.press("Send");
    if (setting.script) await streamed(ada, acme, speaker);
    await finished(ada);
    await ada.look("playground, answered");
    await dialects(ada);
    await refused(ada, setting.script);
  } finally {
    await speaker.close();
  }
}

async function streamed(ada, acme, speaker) {
  const shown = ada.page.locator("#answer pre code");
  const first = await speaker.call(0);
  first.say("One ");
  await shown.filter({ hasText: /^One $/ }).waitFor();
  await ada.sees("down failed (overloaded). speaker is answering.");
  await ada.look("playground, answering");
  first.say("two ");
  await shown.filter({ hasText: /^One two $/ }).waitFor();
  // Stopping also ends the upstream call; the partial answer stays.
  await ada.press("Stop");
  await ada.sees("Stopped. What arrived is shown below.");
  await first.gone;
  assert.equal(await shown.innerText(), "One two ");
  await ada.look("playground, stopped");
  await ada.follow("The whole request");
  await ada.page.getByRole("heading", { level: 1, name: "down" }).waitFor();
  const [request] = (await acme.call("GET", "/v1/model-router/requests")).body.items;
  assert.equal(request.outcome, "client_closed");

  await ada.open("/playground?model=down");
  await ada.press("Send");
  const second = await speaker.call(1);
  for (const word of ["One ", "two ", "three"]) second.say(word);
  second.end();
}

async function finished(ada) {
  await ada.page.locator("#outcome .station.answered", { hasText: "speaker" }).waitFor();
  assert.equal(await ada.page.locator("#outcome .station.failed").count(), 1);
  await ada.sees("One two three");
  await ada.page.getByRole("link", { name: "The whole request" }).waitFor();
}

// The choice stays, and the code below the answer is for the same dialect.
async function dialects(ada) {
  for (const [dialect, endpoint] of [["responses", "/v1/responses"], ["messages", "/v1/messages"]]) {
    await ada.open("/playground?model=steady");
    await ada.field("Dialect").selectOption(dialect);
    await ada.press("Send");
    await ada.page.locator("#outcome .station.answered", { hasText: "steady" }).waitFor();
    assert.equal(await ada.field("Dialect").inputValue(), dialect);
    await ada.page.locator("#code code", { hasText: `${ada.server.url}${endpoint} ` }).first().waitFor();
  }
}

// Invalid input is reported next to its field, with and without JavaScript.
async function refused(ada, script) {
  if (script) ada.provokes(422, "/playground/stream");
  ada.provokes(422, "/playground");
  await ada.fill({ Prompt: " " });
  await ada.press("Send");
  await ada.page.getByRole("alert").filter({ hasText: "Enter a prompt" }).waitFor();
  assert.equal(await ada.field("Prompt").getAttribute("aria-invalid"), "true");
}
