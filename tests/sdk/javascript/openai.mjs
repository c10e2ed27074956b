// OpenAI's SDK: the helpers that call tools, and the accumulators of its streams.

import assert from "node:assert/strict";
import OpenAI from "openai";
import { change, expected, forEachChain, key, question, schema, url, weather } from "./catalog.mjs";

const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });

// Chat completions: the SDK calls the tool itself.
for (const stream of [false, true]) {
  await forEachChain(async (model, fallback) => {
    const tool = { name: "weather", description: "The weather of a city", parameters: schema, parse: JSON.parse, function: weather(model) };
    const runner = client.chat.completions.runTools({
      model,
      stream,
      messages: [{ role: "user", content: question }],
      tools: [{ type: "function", function: tool }],
      models: [fallback],
    });
    assert.equal(await runner.finalContent(), expected);
    const completions = runner.allChatCompletions();
    assert.deepEqual(completions.map((completion) => completion.model), [model, fallback]);
    assert.deepEqual(completions.map((completion) => completion.choices[0].finish_reason), ["tool_calls", "stop"]);
  });
}

// Responses: the stream is put together by the SDK, and the items go back as they are.
await forEachChain(async (model, fallback) => {
  const input = [{ role: "user", content: question }];
  const tools = [{ type: "function", name: "weather", parameters: schema, strict: true }];
  const ask = () => client.responses.stream({ model, input, tools, store: false, models: [fallback] }).finalResponse();
  const called = await ask();
  const call = called.output.find((item) => item.type === "function_call");
  const output = await weather(model)(JSON.parse(call.arguments));
  for (const { parsed_arguments: _, ...item } of called.output) input.push(item);
  input.push({ type: "function_call_output", call_id: call.call_id, output });
  const answered = await ask();
  assert.deepEqual([called.model, answered.model, answered.output_text], [model, fallback, expected]);
});

// Errors have the SDK's own classes.
await change("gpt", "sim/rate-limited");
for (const call of [
  () => client.chat.completions.create({ model: "gpt", messages: [{ role: "user", content: question }] }),
  () => client.responses.create({ model: "gpt", input: question }),
]) {
  await assert.rejects(call, OpenAI.RateLimitError);
}
await assert.rejects(() => client.models.retrieve("unknown"), OpenAI.NotFoundError);
