//! Writes a request. Its model, whether it streams, what its caller asks of the reasoning, and that tools are called one at a time
//! are members that no provider gets: they become the address, and what the model takes, when the request is adapted to it. So do the
//! marks for the cache.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::writing::{Message, System, Writing, is_plain, point};
use crate::dialects::change::{Changes, Verb};
use crate::dialects::messages::write_request::temperature;
use crate::dialects::need::Need;
use crate::dialects::turns::cache_mark::{self, Written};
use crate::dialects::turns::written::{Reasoning, UNWRITTEN, no_schema};
use crate::dialects::turns::{Block, Choice, Request, Tool, tool_schema};

/// The name of the schema of an answer.
const SCHEMA_NAME: &str = "answer";
/// A tool for conversations with calls in a request without tools, which are refused.
const NO_TOOL: &str = "unavailable";
const NO_TOOL_DESCRIPTION: &str = "Does nothing. Never call it.";
/// The longest name of a tool.
const LONGEST_NAME: usize = 64;

const BAD_NAME: Need = Need::Translation(
    "the name of a tool in it is longer than 64 characters, or has others than letters, digits, '_' and '-'",
);

/// Writes a request for the model of this name.
///
/// # Errors
/// Converse cannot express it.
pub fn write(request: &Request<'_>, model: &str, changes: &mut Changes) -> Result<Vec<u8>, Need> {
    let (system, turns) = request.conversation()?;
    let tools = tools(request, changes)?;
    let is_offered = request.choice != Some(Choice::None);
    let (system, messages) = {
        let mut writing = Writing::new(changes);
        (writing.instructions(system), writing.messages(turns, request.cache)?)
    };
    let body = Body {
        model,
        stream: request.stream.then_some(true),
        system,
        messages,
        inference_config: inference(request, changes),
        tool_config: tools,
        output_config: request.schema.map(output_config),
        parallel_tool_calls: (request.calls_one_at_a_time() && is_offered).then_some(false),
        reasoning: request.reasoning(),
    };
    if request.user.is_some() {
        changes.note(Verb::Dropped, "user");
    }
    serde_json::to_vec(&body).map_err(|_| UNWRITTEN)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<System<'a>>,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inference_config: Option<Inference<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Inference<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<Cow<'a, RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
}

/// The settings, if there are any.
fn inference<'a>(request: &'a Request<'a>, changes: &mut Changes) -> Option<Inference<'a>> {
    let Request { limit, temperature: asked, top_p, stop, .. } = request;
    let stop_sequences: Vec<&str> = stop.iter().map(String::as_str).filter(|stop| !stop.is_empty()).collect();
    if stop_sequences.len() < stop.len() {
        // Empty ones are refused.
        changes.note(Verb::Dropped, "stop");
    }
    if limit.is_none() && asked.is_none() && top_p.is_none() && stop_sequences.is_empty() {
        return None;
    }
    let temperature = asked.map(|value| temperature(value, changes));
    Some(Inference { max_tokens: *limit, temperature, top_p: *top_p, stop_sequences })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OutputConfig<'a> {
    text_format: TextFormat<'a>,
}

#[derive(Serialize)]
struct TextFormat<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    structure: Structure<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Structure<'a> {
    json_schema: JsonSchema<'a>,
}

/// The schema is JSON in a string.
#[derive(Serialize)]
struct JsonSchema<'a> {
    name: &'static str,
    schema: &'a str,
}

fn output_config(schema: &RawValue) -> OutputConfig<'_> {
    let json_schema = JsonSchema { name: SCHEMA_NAME, schema: schema.get() };
    OutputConfig { text_format: TextFormat { kind: "json_schema", structure: Structure { json_schema } } }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolConfig<'a> {
    tools: Vec<ToolEntry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoice<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum ToolEntry<'a> {
    ToolSpec(ToolSpec<'a>),
    CachePoint(Written),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolSpec<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: InputSchema<'a>,
}

#[derive(Serialize)]
struct InputSchema<'a> {
    json: Cow<'a, RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum ToolChoice<'a> {
    Auto {},
    Any {},
    Tool { name: &'a str },
}

/// The tools, if there are any. A choice of none is a request without them, because there is no such choice.
fn tools<'a>(request: &'a Request<'a>, changes: &mut Changes) -> Result<Option<ToolConfig<'a>>, Need> {
    let blocks = || request.turns.iter().flat_map(|turn| &turn.blocks);
    let is_bad = |name: &str| !(is_plain(name) && name.len() <= LONGEST_NAME);
    let is_bad_call = |block: &Block<'_>| matches!(block, Block::Call(call) if is_bad(&call.name));
    if request.tools.iter().any(|tool| is_bad(&tool.name)) || blocks().any(is_bad_call) {
        return Err(BAD_NAME);
    }
    if !request.tools.is_empty() && request.choice != Some(Choice::None) {
        let mut tools = Vec::with_capacity(request.tools.len());
        for tool in &request.tools {
            tools.push(entry(tool, changes)?);
            tools.extend(tool.mark.map(|mark| ToolEntry::CachePoint(point(mark))));
        }
        return Ok(Some(ToolConfig { tools, tool_choice: request.choice.as_ref().and_then(choice) }));
    }
    if request.tools.iter().any(|tool| tool.mark.is_some()) {
        changes.stripped(cache_mark::NAME);
    }
    if !blocks().any(|block| matches!(block, Block::Call(_) | Block::Result(_))) {
        return Ok(None);
    }
    changes.note(Verb::Placeholder, "tools");
    let input_schema = InputSchema { json: Cow::Owned(no_schema()?) };
    let nothing = ToolSpec { name: NO_TOOL, description: Some(NO_TOOL_DESCRIPTION), input_schema };
    Ok(Some(ToolConfig { tools: vec![ToolEntry::ToolSpec(nothing)], tool_choice: None }))
}

fn choice(choice: &Choice) -> Option<ToolChoice<'_>> {
    match choice {
        Choice::Auto => Some(ToolChoice::Auto {}),
        Choice::Any => Some(ToolChoice::Any {}),
        Choice::Named(name) => Some(ToolChoice::Tool { name }),
        // It is a request without tools.
        Choice::None => None,
    }
}

fn entry<'a>(tool: &'a Tool<'a>, changes: &mut Changes) -> Result<ToolEntry<'a>, Need> {
    let Tool { name, description, schema, strict, .. } = tool;
    if *strict == Some(true) {
        // Only some models have it, and others refuse it.
        changes.stripped("strict");
    }
    let description = description.as_deref().filter(|description| !description.trim().is_empty());
    let input_schema = InputSchema { json: tool_schema::without_alternatives(*schema, changes)? };
    Ok(ToolEntry::ToolSpec(ToolSpec { name, description, input_schema }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::dialects::chat;
    use crate::dialects::members::Members;

    /// The translation of a chat completion with these members, and the changes.
    fn written(members: &Value) -> Result<(Value, Vec<String>), Need> {
        let mut changes = Changes::default();
        let text = members.to_string();
        let members: Members<'_> = serde_json::from_str(&text).expect("members");
        let request = chat::read_request::read(&members, &mut changes)?;
        let body = write(&request, "m", &mut changes)?;
        Ok((serde_json::from_slice(&body).expect("JSON"), changes.into_names()))
    }

    fn user(text: &str) -> Value {
        json!({"role": "user", "content": text})
    }

    #[test]
    fn settings_have_the_names_of_converse() {
        let (body, changes) = written(&json!({
            "messages": [{"role": "system", "content": "Be brief."}, user("Hi")], "stream": true,
            "max_tokens": 64, "temperature": 1.5, "top_p": 0.5, "stop": ["END", ""], "user": "u",
            "reasoning_effort": "low",
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"a": 1.0}}},
        }))
        .expect("a body");
        assert_eq!(
            body,
            json!({
                "model": "m", "stream": true, "system": [{"text": "Be brief."}],
                "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
                "inferenceConfig": {"maxTokens": 64, "temperature": 1, "topP": 0.5, "stopSequences": ["END"]},
                "outputConfig": {"textFormat": {
                    "type": "json_schema", "structure": {"jsonSchema": {"name": "answer", "schema": r#"{"a":1.0}"#}},
                }},
                "reasoning": {"effort": "low"},
            })
        );
        assert!(changes.contains(&"clamped:temperature".to_owned()), "{changes:?}");
        assert!(changes.contains(&"dropped:user".to_owned()), "{changes:?}");
        assert!(changes.contains(&"dropped:stop".to_owned()), "{changes:?}");
        let (body, _) = written(&json!({"messages": [user("Hi")]})).expect("a body");
        assert_eq!(body, json!({"model": "m", "messages": [{"role": "user", "content": [{"text": "Hi"}]}]}));
    }

    #[test]
    fn tools_and_their_choice_are_written() {
        let tool = |name: &str, more: Value| {
            let mut function = json!({"name": name});
            for (name, value) in more.as_object().expect("members") {
                function[name] = value.clone();
            }
            json!({"type": "function", "function": function})
        };
        let (body, changes) = written(&json!({
            "messages": [user("Hi")], "tool_choice": "required", "parallel_tool_calls": false,
            "tools": [
                tool("plain", json!({"description": "", "parameters": {"type": "object", "z": 1}, "strict": true})),
                tool("typeless", json!({"description": "d", "parameters": {"properties": {}}})),
                tool("empty", json!({"parameters": {}})),
                tool("either", json!({"parameters": {"type": "object", "anyOf": [{"properties": {"a": {}}}, {}]}})),
                tool("none", json!({})),
            ],
        }))
        .expect("a body");
        let spec =
            |name: &str, schema: Value| json!({"toolSpec": {"name": name, "inputSchema": {"json": schema}}});
        let mut typeless = spec("typeless", json!({"type": "object", "properties": {}}));
        typeless["toolSpec"]["description"] = json!("d");
        assert_eq!(
            body["toolConfig"],
            json!({
                "tools": [
                    spec("plain", json!({"type": "object", "z": 1})), typeless, spec("empty", json!({"type": "object", "properties": {}})),
                    spec("either", json!({"type": "object", "properties": {"a": {}}})), spec("none", json!({"type": "object", "properties": {}})),
                ],
                "toolChoice": {"any": {}},
            })
        );
        assert!(changes.contains(&"stripped:strict".to_owned()), "{changes:?}");
        assert!(changes.contains(&"mapped:tool_schema".to_owned()), "{changes:?}");
        // What becomes of it depends on the model.
        assert_eq!(body["parallelToolCalls"], false);
        for (choice, expected) in [
            (json!("auto"), json!({"auto": {}})),
            (json!({"type": "function", "function": {"name": "a"}}), json!({"tool": {"name": "a"}})),
        ] {
            let (body, _) = written(
                &json!({"messages": [user("Hi")], "tools": [tool("a", json!({}))], "tool_choice": choice}),
            )
            .expect("a body");
            assert_eq!(body["toolConfig"]["toolChoice"], expected);
        }
    }

    #[test]
    fn a_history_with_calls_always_has_tools() {
        let called = json!([
            user("Hi"),
            {"role": "assistant", "tool_calls": [{"id": "t", "type": "function", "function": {"name": "a", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "t", "content": "7"},
        ]);
        let tools = json!([{"type": "function", "function": {"name": "a"}}]);
        let none = json!("none");
        for (body, tool) in [
            (json!({"messages": called}), Some(NO_TOOL)),
            (json!({"messages": called, "tools": tools, "tool_choice": none}), Some(NO_TOOL)),
            (json!({"messages": called, "tools": tools}), Some("a")),
            (json!({"messages": [user("Hi")], "tools": tools, "tool_choice": none}), None),
        ] {
            let (written, changes) = written(&body).expect("a body");
            assert_eq!(written["toolConfig"]["tools"][0]["toolSpec"]["name"].as_str(), tool, "{body}");
            assert_eq!(changes.contains(&"placeholder:tools".to_owned()), tool == Some(NO_TOOL), "{body}");
        }
    }

    #[test]
    fn what_converse_cannot_express_is_a_need() {
        let long = "a".repeat(65);
        for (body, need) in [
            (json!({"messages": [user("Hi"), {"role": "assistant", "content": "Well,"}]}), Need::Prefill),
            (
                json!({"messages": [user("Hi")], "tools": [{"type": "function", "function": {"name": long}}]}),
                BAD_NAME,
            ),
            (
                json!({"messages": [user("Hi")], "tools": [{"type": "function", "function": {"name": "a.b"}}]}),
                BAD_NAME,
            ),
        ] {
            assert_eq!(written(&body).expect_err("a need"), need, "{body}");
        }
    }
}
