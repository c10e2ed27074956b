// Anthropic's SDK: the helper that calls tools, and the accumulator of its streams.

import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";
import { betaTool } from "@anthropic-ai/sdk/helpers/beta/json-schema";
import { change, expected, forEachChain, key, question, schema, url, weather } from "./catalog.mjs";

const client = new Anthropic({ baseURL: url, authToken: key, apiKey: null, maxRetries: 0 });
const asked = { max_tokens: 4096, thinking: { type: "enabled", budget_tokens: 1024 } };
const text = (message) => message.content.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("");

// The SDK calls the tool itself.
for (const stream of [false, true]) {
  await forEachChain(async (model, fallback) => {
    const tool = betaTool({ name: "weather", description: "The weather of a city", inputSchema: schema, run: weather(model) });
    const messages = [{ role: "user", content: question }];
    const runner = client.beta.messages.toolRunner({ model, ...asked, stream, messages, tools: [tool], models: [fallback] });
    const answers = [];
    for await (const answer of runner) answers.push(stream ? await answer.finalMessage() : answer);
    assert.deepEqual(answers.map((answer) => [answer.model, answer.stop_reason]), [[model, "tool_use"], [fallback, "end_turn"]]);
    assert.equal(text(answers[1]), expected);
  });
}

// The stream has the blocks in their order.
await change("claude", "sim/steady");
const stream = client.messages.stream({ model: "claude", ...asked, messages: [{ role: "user", content: question }] });
const message = await stream.finalMessage();
assert.deepEqual(message.content.map((block) => block.type), ["thinking", "text"]);
assert.ok(message.content[0].signature);

// Errors have the SDK's own classes, also in a stream that has begun.
await change("gpt", "sim/cut-midstream");
const cut = client.messages.stream({ model: "gpt", ...asked, messages: [{ role: "user", content: question }] });
await assert.rejects(() => cut.finalMessage(), Anthropic.APIError);
await change("gpt", "sim/rate-limited");
await assert.rejects(
  () => client.messages.create({ model: "gpt", ...asked, messages: [{ role: "user", content: question }] }),
  Anthropic.RateLimitError,
);
