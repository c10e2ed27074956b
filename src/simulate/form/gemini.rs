//! Google's Gemini: reads a request, and writes an answer whole or as chunks that are answers themselves.
//!
//! Google takes the names of members in two spellings, `maxOutputTokens` and `max_output_tokens`, and its own SDKs mix them.

use std::borrow::Cow;
use std::num::NonZeroUsize;

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::messages::BYTES_PER_TOKEN;
use super::{Form, Frames};
use crate::simulate::behavior::{self, Behavior};
use crate::simulate::chat::read;
use crate::simulate::completion::Answer;
use crate::simulate::refusal::Refusal;
use crate::simulate::request::{ChatRequest, Message, unreadable};
use crate::simulate::shape::{BEFORE_THOUGHT, SIGNATURE, THOUGHT};
use crate::simulate::tool::{Choice, Function, Tool};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(borrow, default)]
    contents: Vec<Content<'a>>,
    #[serde(borrow, default)]
    tools: Vec<Declarations<'a>>,
    #[serde(borrow, alias = "tool_config")]
    tool_config: Option<ToolConfig<'a>>,
    #[serde(alias = "generation_config")]
    generation_config: Option<GenerationConfig>,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow, default)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    parts: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    #[serde(borrow, alias = "function_response")]
    function_response: Option<FunctionResponse<'a>>,
}

#[derive(Deserialize)]
struct FunctionResponse<'a> {
    #[serde(borrow)]
    response: Said<'a>,
}

/// What a function said. Callers may name it otherwise, and then it counts as empty.
#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    output: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Declarations<'a> {
    #[serde(borrow, default, alias = "function_declarations")]
    function_declarations: Vec<Function<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolConfig<'a> {
    #[serde(borrow, alias = "function_calling_config")]
    function_calling_config: Option<CallingConfig<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CallingConfig<'a> {
    #[serde(borrow, default)]
    mode: Cow<'a, str>,
    #[serde(default, alias = "allowed_function_names")]
    allowed_function_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GenerationConfig {
    #[serde(alias = "max_output_tokens")]
    max_output_tokens: Option<NonZeroUsize>,
    #[serde(alias = "thinking_config")]
    thinking_config: Option<ThinkingConfig>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ThinkingConfig {
    #[serde(alias = "include_thoughts")]
    include_thoughts: Option<bool>,
}

/// Reads a request for the model that its path names.
///
/// # Errors
/// 400 for a body that is not a JSON object of the right types, or that has no contents.
pub(in crate::simulate) fn request<'a>(
    body: &'a [u8],
    model: &str,
    stream: bool,
) -> Result<ChatRequest<'a>, Refusal> {
    let body: Body<'a> = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    if body.contents.is_empty() {
        return Err(Refusal::bad_request(
            Some("contents"),
            None,
            "* GenerateContentRequest.contents: contents is not specified",
        ));
    }
    let config = body.generation_config;
    let thinking = config.as_ref().and_then(|config| config.thinking_config.as_ref());
    let wants_thought = thinking.and_then(|thinking| thinking.include_thoughts).unwrap_or_default();
    let functions = body.tools.into_iter().flat_map(|tools| tools.function_declarations);
    Ok(ChatRequest {
        model: model.to_owned().into(),
        messages: body.contents.iter().map(message).collect(),
        stream: Some(stream),
        max_tokens: config.and_then(|config| config.max_output_tokens),
        offered: functions.map(Tool::AtTheTop).collect(),
        choice: body.tool_config.and_then(|config| choice(config.function_calling_config?)),
        wants_thought,
        ..ChatRequest::default()
    })
}

/// Answers `countTokens` with an estimate of the prompt.
pub(in crate::simulate) async fn count(
    request: &HttpRequest,
    payload: web::Payload,
    model: &str,
) -> HttpResponse {
    counted(request, payload, model).await.unwrap_or_else(|refusal| refusal.response(Form::Gemini))
}

async fn counted(request: &HttpRequest, payload: web::Payload, model: &str) -> Result<HttpResponse, Refusal> {
    let body = read(request, payload).await?;
    let prompt = self::request(&body, model, false)?;
    match behavior::find(model) {
        None => Err(Refusal::unknown_model(model)),
        Some((Behavior::Refuse(failure), _)) => Err(Refusal::simulated(failure, model, Form::Gemini)),
        Some(_) => {
            let tokens = prompt.content_bytes().div_ceil(BYTES_PER_TOKEN);
            Ok(HttpResponse::Ok().json(json!({ "totalTokens": tokens })))
        }
    }
}

fn choice(config: CallingConfig<'_>) -> Option<Choice<'_>> {
    match &*config.mode {
        "NONE" => Some(Choice::Word("none".into())),
        _ => config.allowed_function_names.into_iter().next().map(Choice::named),
    }
}

fn message<'a>(content: &Content<'a>) -> Message<'a> {
    let parts: Vec<Part<'a>> =
        content.parts.and_then(|parts| serde_json::from_str(parts.get()).ok()).unwrap_or_default();
    match parts.into_iter().find_map(|part| part.function_response) {
        Some(FunctionResponse { response: Said { output, result, error } }) => {
            Message { role: "tool".into(), content: output.or(result).or(error) }
        }
        None if content.role == "model" => Message { role: "assistant".into(), content: content.parts },
        None => Message { role: "user".into(), content: content.parts },
    }
}

/// The body of an answer that is not streamed.
pub(in crate::simulate) fn whole(answer: &Answer, thinks: bool) -> Bytes {
    let mut parts = before(answer, thinks);
    if answer.length() > 0 {
        parts.push(content(answer, &answer.text()));
    }
    chunk(answer, &json!(parts), Some(finish_reason(answer))).to_string().into()
}

/// A prompt that is blocked, whole and as a stream.
pub(in crate::simulate) fn blocked() -> (Bytes, Bytes) {
    let usage = json!({ "promptTokenCount": 4, "totalTokenCount": 4 });
    let body = json!({ "promptFeedback": { "blockReason": "PROHIBITED_CONTENT" }, "usageMetadata": usage });
    (body.to_string().into(), event(&body))
}

/// The parts before the content.
fn before(answer: &Answer, thinks: bool) -> Vec<Value> {
    let late = answer.thinks_late().then(|| json!({ "text": BEFORE_THOUGHT }));
    let thought = thinks.then(|| json!({ "text": THOUGHT, "thought": true }));
    late.into_iter().chain(thought).collect()
}

/// A part with the text or the call. A call has the signature that must come back with it.
fn content(answer: &Answer, text: &str) -> Value {
    let Some(name) = answer.called() else { return json!({ "text": text }) };
    let arguments: Value = serde_json::from_str(text).unwrap_or_else(|_| json!({}));
    let call = json!({ "id": answer.id().replace("chatcmpl-", "call_"), "name": name, "args": arguments });
    json!({ "functionCall": call, "thoughtSignature": SIGNATURE })
}

/// Gemini has one word for the end of an answer and of one that calls, so that an end cannot contradict a call.
fn finish_reason(answer: &Answer) -> &'static str {
    match answer.finish_reason() {
        "length" => "MAX_TOKENS",
        "content_filter" => "SAFETY",
        _ => "STOP",
    }
}

fn chunk(answer: &Answer, parts: &Value, finish_reason: Option<&str>) -> Value {
    let (prompt, output) = answer.tokens();
    let mut candidate = json!({ "content": { "parts": parts, "role": "model" }, "index": 0 });
    if let Some(reason) = finish_reason {
        candidate["finishReason"] = reason.into();
        if reason == "SAFETY"
            && let Some(members) = candidate.as_object_mut()
        {
            members.remove("content");
        }
    }
    let mut usage = json!({ "promptTokenCount": prompt, "totalTokenCount": prompt + output });
    if finish_reason.is_some() {
        usage["candidatesTokenCount"] = output.into();
    }
    json!({
        "candidates": [candidate], "usageMetadata": usage, "modelVersion": answer.model(),
        "responseId": answer.id().replace("chatcmpl-", ""),
    })
}

/// The chunks of a stream. A call comes whole, as one chunk of content.
struct Chunks {
    answer: Answer,
    before: Vec<Bytes>,
    after: Vec<Bytes>,
}

impl Frames for Chunks {
    fn before(&self) -> &[Bytes] {
        &self.before
    }

    fn length(&self) -> usize {
        if self.answer.called().is_some() { 1 } else { self.answer.length() }
    }

    fn content(&self, index: usize) -> Bytes {
        let part = match self.answer.called() {
            Some(_) => content(&self.answer, &self.answer.text()),
            None => content(&self.answer, self.answer.word(index)),
        };
        event(&chunk(&self.answer, &json!([part]), None))
    }

    fn after(&self) -> &[Bytes] {
        &self.after
    }
}

/// The events of an answer.
pub(in crate::simulate) fn frames(answer: Answer, thinks: bool) -> impl Frames {
    let parts = before(&answer, thinks).into_iter();
    let before = parts.map(|part| event(&chunk(&answer, &json!([part]), None))).collect();
    let after = vec![event(&chunk(&answer, &json!([{ "text": "" }]), Some(finish_reason(&answer))))];
    Chunks { answer, before, after }
}

fn event(data: &Value) -> Bytes {
    format!("data: {data}\r\n\r\n").into()
}
