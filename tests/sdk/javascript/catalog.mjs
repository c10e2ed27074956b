// The server under test, as tests/sdk/javascript.py describes it in the environment.

export const url = process.env.FAILSOFT_URL;
export const key = process.env.FAILSOFT_KEY;
// The ids of the models, by name.
const ids = JSON.parse(process.env.FAILSOFT_MODELS);

// Makes a model of the catalog another one at its provider.
export async function change(model, upstreamModel) {
  const answer = await fetch(`${url}/v1/model-router/models/${ids[model]}`, {
    method: "PATCH",
    headers: { "x-api-key": key, "content-type": "application/json" },
    body: JSON.stringify({ upstream_model: upstreamModel }),
  });
  if (!answer.ok) throw new Error(`PATCH ${model}: ${answer.status} ${await answer.text()}`);
}

export const question = "What is the weather in Bern?";

export const schema = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};

// A tool that answers, and makes the model that called it fail from then on.
export function weather(model) {
  return async ({ city }) => {
    await change(model, "sim/error-503");
    return `Sunny in ${city}`;
  };
}

// What a chain answers at the end of a round of tools, by any of its models.
export const expected = "The tool said: Sunny in Bern";
// The models of chat completions and of Messages, each with one of the other dialect behind it.
export const chains = [
  ["gpt", "claude-steady"],
  ["claude", "gpt-steady"],
];

// Runs `round` for each chain, whole again before each.
export async function forEachChain(round) {
  for (const [model, fallback] of chains) {
    await change(model, "sim/steady");
    await round(model, fallback);
  }
}
