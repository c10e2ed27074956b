// Vercel's AI SDK, which reads each event strictly, with its providers for each dialect.

import assert from "node:assert/strict";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import { change, expected, forEachChain, key, question, schema, url, weather } from "./catalog.mjs";

// The only way to send a member that the SDK does not know.
function withFallback(fallback) {
  return (address, options) => {
    const body = JSON.stringify({ ...JSON.parse(options.body), models: [fallback] });
    return fetch(address, { ...options, body });
  };
}

const providers = [
  (fetch) => createOpenAICompatible({ name: "failsoft", baseURL: `${url}/v1`, apiKey: key, includeUsage: true, fetch }),
  (fetch) => createAnthropic({ baseURL: `${url}/v1`, apiKey: key, fetch }),
  // Responses.
  (fetch) => createOpenAI({ baseURL: `${url}/v1`, apiKey: key, fetch }),
];

for (const provider of providers) {
  await forEachChain(async (model, fallback) => {
    const asked = (number) => ({
      model: provider(withFallback(fallback))(model),
      prompt: question,
      tools: { weather: tool({ description: "The weather of a city", inputSchema: jsonSchema(schema), execute: weather(model) }) },
      stopWhen: stepCountIs(number),
      maxRetries: 0,
      // Else it refers to items that no one stores.
      providerOptions: { openai: { store: false } },
    });
    const check = (text, steps, usage) => {
      assert.equal(text, expected);
      assert.deepEqual(steps.map((step) => step.finishReason), ["tool-calls", "stop"]);
      assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0, JSON.stringify(usage));
    };
    const whole = await generateText(asked(3));
    check(whole.text, whole.steps, whole.usage);
    const { prompt, ...later } = asked(3);
    const messages = [{ role: "user", content: prompt }, ...whole.response.messages, { role: "user", content: "Thank you" }];
    assert.equal((await generateText({ ...later, tools: undefined, messages })).text, "You said: Thank you");
    await change(model, "sim/steady");
    const failures = [];
    const stream = streamText({ ...asked(3), onError: ({ error }) => failures.push(error) });
    let text = "";
    for await (const piece of stream.textStream) text += piece;
    assert.deepEqual(failures, []);
    check(text, await stream.steps, await stream.usage);
  });
  // A stream that breaks is an error for the SDK.
  await change("gpt", "sim/cut-midstream");
  const failures = [];
  const cut = streamText({ model: provider()("gpt"), prompt: question, maxRetries: 0, onError: ({ error }) => failures.push(error) });
  await cut.consumeStream();
  assert.notEqual(failures.length, 0);
  assert.match(failures[0].message, /The stream broke/);
}
