//! Amazon Bedrock's Converse: reads a request, and writes an answer whole or as a binary event stream.

use std::borrow::Cow;
use std::num::NonZeroUsize;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Frames;
use super::event_stream::{corrupted, event};
use crate::simulate::completion::Answer;
use crate::simulate::refusal::Refusal;
use crate::simulate::request::{ChatRequest, Message, unreadable};
use crate::simulate::shape::{BEFORE_THOUGHT, SIGNATURE, THOUGHT};
use crate::simulate::tool::{Choice, Function, Tool};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(borrow, default)]
    messages: Vec<Turn<'a>>,
    inference_config: Option<InferenceConfig>,
    #[serde(borrow)]
    tool_config: Option<ToolConfig<'a>>,
    #[serde(borrow)]
    additional_model_request_fields: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Turn<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    content: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Block<'a> {
    #[serde(borrow)]
    tool_result: Option<ToolResult<'a>>,
}

#[derive(Deserialize)]
struct ToolResult<'a> {
    #[serde(borrow)]
    content: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InferenceConfig {
    max_tokens: Option<NonZeroUsize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolConfig<'a> {
    #[serde(borrow)]
    tools: Vec<Offered<'a>>,
    tool_choice: Option<ToolChoice>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Offered<'a> {
    #[serde(borrow)]
    tool_spec: Option<ToolSpec<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolSpec<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    input_schema: InputSchema,
}

#[derive(Deserialize)]
struct InputSchema {
    json: Value,
}

#[derive(Deserialize)]
struct ToolChoice {
    tool: Option<NamedTool>,
}

#[derive(Deserialize)]
struct NamedTool {
    name: String,
}

/// Reads a request for the model that its path names.
///
/// # Errors
/// 400 for a body that is not a JSON object of the right types, or that has no messages.
pub(in crate::simulate) fn request<'a>(
    body: &'a [u8],
    model: &str,
    stream: bool,
) -> Result<ChatRequest<'a>, Refusal> {
    let body: Body<'a> = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    if body.messages.is_empty() {
        return Err(Refusal::bad_request(
            Some("messages"),
            None,
            "A conversation must have at least one message.",
        ));
    }
    let (tools, choice) =
        body.tool_config.map(|config| (config.tools, config.tool_choice)).unwrap_or_default();
    let specs = tools.into_iter().filter_map(|offered| offered.tool_spec);
    let functions = specs.map(|spec| Function::new(spec.name, spec.input_schema.json));
    let fields = body.additional_model_request_fields.map(RawValue::get).unwrap_or_default();
    let fields: Value = serde_json::from_str(fields).unwrap_or_default();
    let thinking = fields["thinking"]["type"].as_str();
    Ok(ChatRequest {
        model: model.to_owned().into(),
        messages: body.messages.iter().map(message).collect(),
        stream: Some(stream),
        max_tokens: body.inference_config.and_then(|config| config.max_tokens),
        offered: functions.map(Tool::AtTheTop).collect(),
        choice: choice.and_then(|choice| choice.tool).map(|tool| Choice::named(tool.name)),
        wants_thought: thinking.is_some_and(|kind| kind != "disabled"),
        ..ChatRequest::default()
    })
}

fn message<'a>(turn: &Turn<'a>) -> Message<'a> {
    let blocks: Vec<Block<'a>> = serde_json::from_str(turn.content.get()).unwrap_or_default();
    match blocks.into_iter().find_map(|block| block.tool_result) {
        Some(result) => Message { role: "tool".into(), content: Some(result.content) },
        None => Message { role: turn.role.clone(), content: Some(turn.content) },
    }
}

/// The body of an answer that is not streamed.
pub(in crate::simulate) fn whole(answer: &Answer, thinks: bool) -> Bytes {
    let mut content = Vec::new();
    if answer.thinks_late() {
        content.push(json!({ "text": BEFORE_THOUGHT }));
    }
    if thinks {
        let thought = json!({ "text": THOUGHT, "signature": SIGNATURE });
        content.push(json!({ "reasoningContent": { "reasoningText": thought } }));
    }
    match answer.called() {
        Some(name) => {
            let input: Value = serde_json::from_str(&answer.text()).unwrap_or_else(|_| json!({}));
            let call = json!({ "toolUseId": call_id(answer), "name": name, "input": input });
            content.push(json!({ "toolUse": call }));
        }
        None if answer.length() > 0 => content.push(json!({ "text": answer.text() })),
        None => {}
    }
    let output = json!({ "message": { "role": "assistant", "content": content } });
    let metadata = metadata(answer);
    json!({
        "output": output, "stopReason": stop_reason(answer), "usage": metadata["usage"], "metrics": metadata["metrics"],
    })
    .to_string()
    .into()
}

fn call_id(answer: &Answer) -> String {
    answer.id().replace("chatcmpl-", "tooluse_")
}

fn stop_reason(answer: &Answer) -> &'static str {
    match answer.finish_reason() {
        "length" => "max_tokens",
        "tool_calls" => "tool_use",
        "content_filter" => "content_filtered",
        _ => "end_turn",
    }
}

fn metadata(answer: &Answer) -> Value {
    let (input, output) = answer.tokens();
    let usage = json!({ "inputTokens": input, "outputTokens": output, "totalTokens": input + output });
    json!({ "usage": usage, "metrics": { "latencyMs": 1 } })
}

/// The messages of a stream.
struct Messages {
    answer: Answer,
    before: Vec<Bytes>,
    after: Vec<Bytes>,
    /// The index of the block with the content.
    block: usize,
}

impl Messages {
    fn of(answer: Answer, thinks: bool) -> Self {
        let mut before = vec![event("messageStart", &json!({ "role": "assistant" }))];
        let mut block = 0;
        let mut add = |deltas: &[Value]| {
            before.extend(deltas.iter().map(|delta| delta_of(block, delta)));
            before.push(event("contentBlockStop", &json!({ "contentBlockIndex": block })));
            block += 1;
        };
        if answer.thinks_late() {
            add(&[json!({ "text": BEFORE_THOUGHT })]);
        }
        if thinks {
            add(&[
                json!({ "reasoningContent": { "text": THOUGHT } }),
                json!({ "reasoningContent": { "signature": SIGNATURE } }),
            ]);
        }
        let mut after = Vec::new();
        if answer.length() > 0 {
            // Texts have no start.
            if let Some(name) = answer.called() {
                let start = json!({ "toolUse": { "toolUseId": call_id(&answer), "name": name } });
                let data = json!({ "contentBlockIndex": block, "start": start });
                before.push(event("contentBlockStart", &data));
            }
            after.push(event("contentBlockStop", &json!({ "contentBlockIndex": block })));
        }
        after.push(event("messageStop", &json!({ "stopReason": stop_reason(&answer) })));
        after.push(event("metadata", &metadata(&answer)));
        Self { answer, before, after, block }
    }
}

fn delta_of(block: usize, delta: &Value) -> Bytes {
    event("contentBlockDelta", &json!({ "contentBlockIndex": block, "delta": delta }))
}

impl Frames for Messages {
    fn before(&self) -> &[Bytes] {
        &self.before
    }

    fn length(&self) -> usize {
        self.answer.length()
    }

    fn content(&self, index: usize) -> Bytes {
        let words = self.answer.word(index);
        let delta = match self.answer.called() {
            Some(_) => json!({ "toolUse": { "input": words } }),
            None => json!({ "text": words }),
        };
        let message = delta_of(self.block, &delta);
        // There is content before it, if the answer is long enough.
        let is_last_of_two = index + 1 == self.answer.length().min(2);
        if self.answer.is_corrupted() && is_last_of_two { corrupted(&message) } else { message }
    }

    fn after(&self) -> &[Bytes] {
        &self.after
    }
}

/// The messages of an answer.
pub(in crate::simulate) fn frames(answer: Answer, thinks: bool) -> impl Frames {
    Messages::of(answer, thinks)
}
