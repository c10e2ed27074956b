// A vendor changes the wording of an error: one click maps the message to a class, and another removes the mapping.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { Organization } from "../support/organization.js";
import { logIn } from "../support/people.js";

// Answers for models whose name contains "large"; refuses the others with a message that no rule knows.
async function vendor() {
  let asked = 0;
  const entry = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    asked += 1;
    const { model } = JSON.parse(body);
    const message = { role: "assistant", content: "Hello" };
    const answer = { id: "x", object: "chat.completion", created: 1, model, choices: [{ index: 0, message, finish_reason: "stop" }] };
    const refusal = { error: { message: `Prompt of ${1000 + asked} tokens is beyond the acme window of this model (request id: req_${asked}aB7c)` } };
    const large = model.includes("large");
    response.writeHead(large ? 200 : 400, { "content-type": "application/json" });
    response.end(JSON.stringify(large ? answer : refusal));
  });
  await new Promise((resolve) => entry.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${entry.address().port}/v1`, close: () => entry.close() };
}

export async function run({ visit, server }) {
  const supplier = await vendor();
  try {
    const acme = await Organization.make(server);
    acme.provider = await acme.create("/v1/model-router/providers", { name: "acme-inference", preset: "custom", base_url: supplier.url });
    await acme.catalog({ small: "acme-small", large: "acme-large" });
    await acme.fallback("small", ["large"], "context_window");
    for (let time = 0; time < 3; time += 1) assert.equal((await acme.ask("small")).status, 400, "no list is for it yet");

    const ada = await visit();
    await logIn(ada);
    await ada.open("/events/unclassified");
    await ada.sees("400, 3 times");
    await ada.look("unclassified failures");
    await ada.field("Classify as").selectOption("context_window_exceeded");
    await ada.press("Map sentence 1");
    await ada.sees("are classified as context_window_exceeded");
    await ada.sees("Mapped as context_window_exceeded");
    await ada.look("unclassified failures, mapped");
    assert.equal((await acme.ask("small")).body.model, "large");

    await ada.press("Delete mapping 1");
    await ada.sees("are no longer classified as context_window_exceeded");
    assert.equal((await acme.ask("small")).status, 400);
  } finally {
    supplier.close();
  }
}
