//! An agent's conversation after each vendor has called two tools: the vendor's ids, and its extra members.

use serde_json::{Value, json};

/// A vendor, and the assistant message of its models.
type History = (&'static str, fn() -> Value);

/// A preset, and the assistant message that its vendor wrote.
pub(super) const HISTORIES: &[History] = &[
    ("openai", || {
        called(
            ["call_zQ3hN8vYc1TtRkX0mB7LwPsd", "call_9aFgH2jK4lZxCvBnM5qWeRty"],
            json!({"refusal": null, "annotations": []}),
        )
    }),
    ("anthropic", || called(["toolu_01A09q90qw90lq917835lq9", "toolu_01B09q90qw90lq917835lq9"], json!({}))),
    ("gemini", gemini),
    ("azure", || {
        called(
            [&"call_|fc_".repeat(10), &"call|fc".repeat(12)],
            json!({"refusal": null, "reasoning_content": "Two cities."}),
        )
    }),
    ("azure-deployments", || {
        called(["call_6tXk2PpQzR0v", "call_7uYl3QqRaS1w"], json!({"refusal": null, "annotations": []}))
    }),
    ("openrouter", || {
        called(
            ["tooluse_1", "tooluse_2"],
            json!({"refusal": null, "reasoning": "Two cities.", "reasoning_details": [{"type": "reasoning.encrypted", "data": "AAAA"}]}),
        )
    }),
    ("groq", || called(["fc_5f3c1d2e-0001", "fc_5f3c1d2e-0002"], json!({"reasoning": "Two cities."}))),
    ("mistral", mistral),
    ("together", || called(["call_k2x9", "call_k2y0"], json!({"reasoning": "Two cities."}))),
    ("deepseek", || called(["call_00_a1", "call_01_a2"], json!({"reasoning_content": "Two cities."}))),
    ("xai", || {
        called(
            ["call_12345678", "call_87654321"],
            json!({"refusal": null, "reasoning_content": "Two cities."}),
        )
    }),
    ("fireworks", || {
        called(["functions.weather:0", "functions.weather:1"], json!({"reasoning_content": "Two cities."}))
    }),
    ("ollama", || called(["call_ab", "call_cd"], json!({"reasoning": "Two cities."}))),
    ("vllm", || {
        called(
            ["chatcmpl-tool-0c1f8d", "chatcmpl-tool-1d2a9e"],
            json!({"reasoning_content": null, "refusal": null, "annotations": null, "audio": null, "function_call": null}),
        )
    }),
    ("custom", || {
        called(["", "1"], json!({"provider_specific_fields": {"refusal": null}, "thinking_blocks": []}))
    }),
    ("simulated", || called(["call_1", "call_2"], json!({}))),
];

fn called(ids: [&str; 2], more: Value) -> Value {
    let call = |id: &str, city: &str| json!({"id": id, "type": "function", "function": {"name": "weather", "arguments": json!({"city": city}).to_string()}});
    let mut message = json!({"role": "assistant", "content": null, "tool_calls": [call(ids[0], "Ulm"), call(ids[1], "Bern")]});
    message.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    message
}

fn gemini() -> Value {
    let mut message = called(["function-call-1", "function-call-2"], json!({}));
    message["tool_calls"][0]["extra_content"] = json!({"google": {"thought_signature": "AB/+=="}});
    message
}

/// Without a `type`, and with an `index`.
fn mistral() -> Value {
    let mut message = called(["D681PevKs", "Q7rT2yUiO"], json!({}));
    for index in 0..2 {
        let call = message["tool_calls"][index].as_object_mut().expect("a call");
        call.remove("type");
        call.insert("index".to_owned(), json!(index));
    }
    message
}

/// The conversation that an agent sends after the vendor's answer.
pub(super) fn messages(preset: &str) -> Value {
    let (_, write) = HISTORIES.iter().find(|(name, _)| *name == preset).expect("a history");
    let answer = write();
    let result = |index: usize, text: &str| json!({"role": "tool", "tool_call_id": answer["tool_calls"][index]["id"], "content": text});
    json!([
        {"role": "developer", "content": "Answer in JSON."},
        {"role": "user", "content": [{"type": "text", "text": "Where is it warmer, in Ulm or in Bern?"}]},
        answer,
        result(0, "{\"degrees\": 21}"),
        result(1, "{\"degrees\": 19}"),
    ])
}

/// A request with functions instead of tools.
pub(super) fn of_functions(primary: &str, target: &str) -> Value {
    json!({
        "model": primary, "models": [target],
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Where is it warmer, in Ulm or in Bern?"},
            {"role": "assistant", "content": null, "function_call": {"name": "weather", "arguments": "{\"city\":\"Ulm\"}"}},
            {"role": "function", "name": "weather", "content": "{\"degrees\": 21}"},
            {"role": "assistant", "content": "21 degrees in Ulm."},
        ],
        "functions": [{"name": "weather", "description": "The weather of a city", "strict": true,
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}],
        "function_call": {"name": "weather"}, "stream": true
    })
}
