//! OpenAI's Responses: reads a request, and writes an answer whole or as numbered events.

use std::borrow::Cow;
use std::num::NonZeroUsize;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Frames;
use crate::simulate::completion::Answer;
use crate::simulate::refusal::Refusal;
use crate::simulate::request::{ChatRequest, Message, unreadable};
use crate::simulate::shape::{BEFORE_THOUGHT, SIGNATURE, THOUGHT};
use crate::simulate::tool::Tool;

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    model: Cow<'a, str>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    stream: Option<bool>,
    max_output_tokens: Option<NonZeroUsize>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_choice: Option<&'a RawValue>,
    reasoning: Option<Reasoning>,
}

#[derive(Deserialize)]
struct Reasoning {
    effort: Option<String>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    output: Option<&'a RawValue>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
}

/// Reads a request.
///
/// # Errors
/// 400 for a body that is not a JSON object of the right types, or that has no model or no input.
pub(in crate::simulate) fn request(body: &[u8]) -> Result<ChatRequest<'_>, Refusal> {
    let body: Body<'_> = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    let missing = |param: &'static str| {
        let message = format!("Missing required parameter: '{param}'.");
        Refusal::bad_request(Some(param), Some("missing_required_parameter"), message)
    };
    if body.model.is_empty() {
        return Err(missing("model"));
    }
    let input = body.input.ok_or_else(|| missing("input"))?;
    let mut offered = tools(body.tools);
    let messages = if input.get().starts_with('"') {
        vec![Message { role: "user".into(), content: Some(input) }]
    } else {
        let items: Vec<Item<'_>> = serde_json::from_str(input.get()).map_err(|error| unreadable(&error))?;
        offered.extend(items.iter().flat_map(|item| tools(item.tools)));
        items.into_iter().map(message).collect()
    };
    let effort = body.reasoning.and_then(|reasoning| reasoning.effort);
    Ok(ChatRequest {
        model: body.model,
        messages,
        stream: body.stream,
        max_tokens: body.max_output_tokens,
        offered,
        tool_choice: body.tool_choice,
        wants_thought: effort.is_some_and(|effort| effort != "none"),
        ..ChatRequest::default()
    })
}

/// The tools of a list. Kinds that are not known here are ignored.
fn tools(list: Option<&RawValue>) -> Vec<Tool<'_>> {
    list.and_then(|list| serde_json::from_str(list.get()).ok()).unwrap_or_default()
}

fn message(item: Item<'_>) -> Message<'_> {
    match &*item.kind {
        "" | "message" => Message { role: item.role, content: item.content },
        "function_call_output" | "custom_tool_call_output" => {
            Message { role: "tool".into(), content: item.output }
        }
        _ => Message { role: item.kind, content: None },
    }
}

/// The body of an answer that is not streamed.
pub(in crate::simulate) fn whole(answer: &Answer, thinks: bool) -> Bytes {
    ended(answer, &items(answer, thinks)).to_string().into()
}

/// The id of something of an answer.
fn id_of(answer: &Answer, prefix: &str) -> String {
    answer.id().replace("chatcmpl-", prefix)
}

/// The response without items, as a stream begins.
fn begun(answer: &Answer) -> Value {
    json!({
        "id": id_of(answer, "resp_"), "object": "response", "created_at": answer.created(), "status": "in_progress",
        "background": false, "error": null, "incomplete_details": null, "instructions": null, "max_output_tokens": null,
        "metadata": {}, "model": answer.model(), "output": [], "parallel_tool_calls": true, "previous_response_id": null,
        "reasoning": { "effort": null, "summary": null }, "store": true, "temperature": 1.0,
        "text": { "format": { "type": "text" } }, "tool_choice": "auto", "tools": [], "top_p": 1.0,
        "truncation": "disabled", "usage": null, "user": null,
    })
}

/// The response with its items and its end.
fn ended(answer: &Answer, items: &[Value]) -> Value {
    let mut response = begun(answer);
    let (status, reason) = match answer.finish_reason() {
        "length" => ("incomplete", Some("max_output_tokens")),
        "content_filter" => ("incomplete", Some("content_filter")),
        _ => ("completed", None),
    };
    let (input, output) = answer.tokens();
    response["status"] = status.into();
    response["incomplete_details"] = reason.map_or(Value::Null, |reason| json!({ "reason": reason }));
    response["output"] = items.into();
    response["usage"] = json!({
        "input_tokens": input, "input_tokens_details": { "cached_tokens": 0 },
        "output_tokens": output, "output_tokens_details": { "reasoning_tokens": 0 }, "total_tokens": input + output,
    });
    response
}

/// The items of an answer. The last one has its content, if it has any.
fn items(answer: &Answer, thinks: bool) -> Vec<Value> {
    let mut items = Vec::new();
    if answer.thinks_late() {
        items.push(spoken(&id_of(answer, "msg_0"), BEFORE_THOUGHT));
    }
    if thinks {
        items.push(json!({
            "type": "reasoning", "id": id_of(answer, "rs_"), "encrypted_content": SIGNATURE,
            "summary": [{ "type": "summary_text", "text": THOUGHT }],
        }));
    }
    if answer.length() > 0 {
        items.push(content_item(answer));
    }
    items
}

fn spoken(id: &str, text: &str) -> Value {
    let part = json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] });
    json!({ "type": "message", "id": id, "role": "assistant", "status": "completed", "content": [part] })
}

/// The item with the text or the call.
fn content_item(answer: &Answer) -> Value {
    let Some(name) = answer.called() else { return spoken(&id_of(answer, "msg_1"), &answer.text()) };
    let (kind, id, input) = kind_of_call(answer);
    let mut item = json!({
        "type": kind, "id": id_of(answer, id), "call_id": id_of(answer, "call_"), "name": name, "status": "completed",
    });
    item[input] = answer.text().into();
    if let Some(namespace) = answer.namespace() {
        item["namespace"] = namespace.into();
    }
    item
}

/// The type of the call, the beginning of its id, and the member of its input.
fn kind_of_call(answer: &Answer) -> (&'static str, &'static str, &'static str) {
    if answer.has_free_text() {
        ("custom_tool_call", "ctc_", "input")
    } else {
        ("function_call", "fc_", "arguments")
    }
}

/// An item as it is when it is added: without its content, which events bring.
fn empty(item: &Value) -> Value {
    let mut item = item.clone();
    for (member, value) in [
        ("status", json!("in_progress")),
        ("content", json!([])),
        ("arguments", json!("")),
        ("input", json!("")),
        ("summary", json!([])),
    ] {
        if !item[member].is_null() {
            item[member] = value;
        }
    }
    item
}

/// The events of a stream: those before the content, one for each of its chunks, and those after it.
struct Events {
    answer: Answer,
    before: Vec<Bytes>,
    after: Vec<Bytes>,
    /// The index of the item with the content.
    place: usize,
    item: String,
}

impl Events {
    fn of(answer: Answer, thinks: bool) -> Self {
        let items = items(&answer, thinks);
        let mut before = vec![
            event(0, "response.created", json!({ "response": begun(&answer) })),
            event(1, "response.in_progress", json!({ "response": begun(&answer) })),
        ];
        let has_content = answer.length() > 0;
        let place = items.len().saturating_sub(usize::from(has_content));
        for (index, item) in items.iter().enumerate() {
            let added = json!({ "output_index": index, "item": empty(item) });
            before.push(event(before.len(), "response.output_item.added", added));
            if index == place {
                if answer.called().is_none() {
                    let part =
                        json!({ "type": "output_text", "text": "", "annotations": [], "logprobs": [] });
                    let added = json!({ "item_id": item["id"], "output_index": index, "content_index": 0, "part": part });
                    before.push(event(before.len(), "response.content_part.added", added));
                }
                break;
            }
            for (kind, data) in pieces(item, index) {
                before.push(event(before.len(), kind, data));
            }
        }
        let mut number = before.len() + answer.length();
        let mut after = Vec::new();
        let mut add = |kind: &str, data: Value| {
            after.push(event(number, kind, data));
            number += 1;
        };
        if let Some(item) = items.get(place).filter(|_| has_content) {
            for (kind, data) in done(item, place) {
                add(kind, data);
            }
        }
        let response = ended(&answer, &items);
        let is_complete = response["status"] == "completed";
        let end = if is_complete { "response.completed" } else { "response.incomplete" };
        add(end, json!({ "response": response }));
        let item = items.get(place).and_then(|item| item["id"].as_str()).unwrap_or_default().to_owned();
        Self { answer, before, after, place, item }
    }
}

/// The events of an item that is written at once, after it was added.
fn pieces(item: &Value, index: usize) -> Vec<(&'static str, Value)> {
    let at = |more: Value| {
        let mut data = json!({ "item_id": item["id"], "output_index": index });
        if let (Value::Object(data), Value::Object(more)) = (&mut data, more) {
            data.extend(more);
        }
        data
    };
    if item["type"] == "message" {
        let part = json!({ "type": "output_text", "text": "", "annotations": [], "logprobs": [] });
        let text = &item["content"][0]["text"];
        let before = [
            ("response.content_part.added", at(json!({ "content_index": 0, "part": part }))),
            ("response.output_text.delta", at(json!({ "content_index": 0, "delta": text, "logprobs": [] }))),
        ];
        return before.into_iter().chain(done(item, index)).collect();
    }
    let empty = json!({ "type": "summary_text", "text": "" });
    vec![
        ("response.reasoning_summary_part.added", at(json!({ "summary_index": 0, "part": empty }))),
        ("response.reasoning_summary_text.delta", at(json!({ "summary_index": 0, "delta": THOUGHT }))),
        ("response.reasoning_summary_text.done", at(json!({ "summary_index": 0, "text": THOUGHT }))),
        (
            "response.reasoning_summary_part.done",
            at(json!({ "summary_index": 0, "part": item["summary"][0] })),
        ),
        ("response.output_item.done", json!({ "output_index": index, "item": item })),
    ]
}

/// The events that end an item.
fn done(item: &Value, index: usize) -> Vec<(&'static str, Value)> {
    let id = &item["id"];
    let mut events = match item["type"].as_str() {
        Some("function_call") => vec![(
            "response.function_call_arguments.done",
            json!({ "item_id": id, "output_index": index, "name": item["name"], "arguments": item["arguments"] }),
        )],
        Some("custom_tool_call") => vec![(
            "response.custom_tool_call_input.done",
            json!({ "item_id": id, "output_index": index, "input": item["input"] }),
        )],
        _ => {
            let part = &item["content"][0];
            vec![
                (
                    "response.output_text.done",
                    json!({ "item_id": id, "output_index": index, "content_index": 0, "text": part["text"], "logprobs": [] }),
                ),
                (
                    "response.content_part.done",
                    json!({ "item_id": id, "output_index": index, "content_index": 0, "part": part }),
                ),
            ]
        }
    };
    events.push(("response.output_item.done", json!({ "output_index": index, "item": item })));
    events
}

impl Frames for Events {
    fn before(&self) -> &[Bytes] {
        &self.before
    }

    fn length(&self) -> usize {
        self.answer.length()
    }

    fn content(&self, index: usize) -> Bytes {
        let mut data =
            json!({ "item_id": self.item, "output_index": self.place, "delta": self.answer.word(index) });
        let kind = match self.answer.called() {
            Some(_) if self.answer.has_free_text() => "response.custom_tool_call_input.delta",
            Some(_) => "response.function_call_arguments.delta",
            None => {
                data["content_index"] = 0.into();
                data["logprobs"] = json!([]);
                "response.output_text.delta"
            }
        };
        event(self.before.len() + index, kind, data)
    }

    fn after(&self) -> &[Bytes] {
        &self.after
    }
}

/// The events of an answer.
pub(in crate::simulate) fn frames(answer: Answer, thinks: bool) -> impl Frames {
    Events::of(answer, thinks)
}

fn event(number: usize, kind: &str, mut data: Value) -> Bytes {
    data["type"] = kind.into();
    data["sequence_number"] = number.into();
    format!("event: {kind}\ndata: {data}\n\n").into()
}
