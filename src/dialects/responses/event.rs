//! The events of a stream of a provider that speaks the dialect.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::{Answer, object};
use super::billed_items::{is_billed_apart, is_of_a_providers_call, is_page};

/// An event of a stream.
#[derive(Debug)]
pub struct Numbered<'a> {
    /// The number of the event, if it has one.
    pub number: Option<u64>,
    /// What the event says.
    pub event: Event<'a>,
    /// Whether it shows something that the provider bills apart from tokens.
    pub billed_apart: bool,
}

/// What the data of an event says.
#[derive(Debug)]
pub enum Event<'a> {
    /// The response begins or goes on: what is known of it.
    Begun(Head<'a>),
    /// A piece of what the model writes, as a JSON string.
    Piece(&'a RawValue),
    /// Content that is not counted: a call that begins, or an item of another kind than a text.
    Item,
    /// The response ends here.
    Ended(Head<'a>),
    /// The response failed, or an error comes in place of the rest of the stream, as raw JSON.
    Failed(Option<&'a RawValue>),
    /// Events without content that are known, such as the repetition of a whole text.
    Known,
    /// Events that are not known here.
    Other,
}

/// What the events of a response are about that are known: they are named `response.PART.STATE`.
const PARTS: [&str; 22] = [
    "audio",
    "audio.transcript",
    "code_interpreter_call",
    "code_interpreter_call_code",
    "content_part",
    "custom_tool_call_input",
    "file_search_call",
    "function_call_arguments",
    "image_generation_call",
    "mcp_call",
    "mcp_call_arguments",
    "mcp_list_tools",
    "output_item",
    "output_text",
    "output_text.annotation",
    "reasoning",
    "reasoning_summary",
    "reasoning_summary_part",
    "reasoning_summary_text",
    "reasoning_text",
    "refusal",
    "web_search_call",
];
/// What such an event says of it. One that says that it failed is not known, because it may hold an error.
const STATES: [&str; 9] = [
    "added",
    "completed",
    "delta",
    "done",
    "generating",
    "in_progress",
    "interpreting",
    "partial_image",
    "searching",
];

/// Whether a type of event is known.
fn is_known(kind: &str) -> bool {
    let named = kind.strip_prefix("response.").and_then(|rest| rest.rsplit_once('.'));
    named.is_some_and(|(part, state)| PARTS.contains(&part) && STATES.contains(&state))
}

/// A response in an event.
#[derive(Debug)]
pub struct Head<'a> {
    /// The response as raw JSON.
    pub json: &'a RawValue,
    /// Its members that are read.
    pub answer: Answer<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(default)]
    sequence_number: Option<u64>,
    #[serde(borrow, default)]
    response: Option<&'a RawValue>,
    #[serde(borrow, default)]
    item: Option<&'a RawValue>,
    #[serde(borrow, default)]
    annotation: Option<&'a RawValue>,
    #[serde(borrow, default)]
    delta: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
}

impl<'a> Numbered<'a> {
    /// Reads the data of an event, and its type from its name if the data has none. `None` if the data is not a JSON object
    /// with fields of the usual types.
    #[must_use]
    pub fn read(data: &'a [u8], name: Option<&str>) -> Option<Self> {
        let text = object(data)?;
        let data: Data<'a> = serde_json::from_str(text).ok()?;
        let kind = data.kind.as_deref().or(name).unwrap_or_default();
        let head = || {
            let json = data.response?;
            Some(Head { json, answer: Answer::read(json.get().as_bytes())? })
        };
        let event = match kind {
            // Proxies in front of a vendor send errors of their own.
            _ if data.kind.is_none() && data.error.is_some() => Event::Failed(data.error),
            "response.created" | "response.in_progress" | "response.queued" => Event::Begun(head()?),
            "response.completed" | "response.incomplete" => Event::Ended(head()?),
            "response.failed" => Event::Failed(head()?.answer.error),
            "error" => Event::Failed(data.error.or_else(|| serde_json::from_str(text).ok())),
            "response.output_item.added" if data.item.is_some_and(|item| !is_spoken(item)) => Event::Item,
            "response.output_item.done" => Event::Item,
            kind if kind.ends_with(".delta") => match data.delta {
                Some(delta) if delta.get().len() > 2 => Event::Piece(delta),
                Some(_) | None if is_known(kind) => Event::Known,
                Some(_) | None => Event::Other,
            },
            kind if is_known(kind) => Event::Known,
            _ => Event::Other,
        };
        let billed_apart = is_of_a_providers_call(kind)
            || data.item.is_some_and(is_billed_apart)
            || data.annotation.is_some_and(is_page);
        Some(Self { number: data.sequence_number, event, billed_apart })
    }
}

/// Whether an item is text or reasoning, which its pieces bring.
fn is_spoken(item: &RawValue) -> bool {
    let kind = serde_json::from_str::<Item<'_>>(item.get()).ok().and_then(|item| item.kind);
    matches!(kind.as_deref(), Some("message" | "reasoning") | None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_content_is_a_piece_or_a_call() {
        let response = r#"{"id":"resp_1","status":"completed","model":"m","output":[]}"#;
        for (data, expected) in [
            (format!(r#"{{"type":"response.created","sequence_number":0,"response":{response}}}"#), "Begun"),
            (format!(r#"{{"type":"response.completed","response":{response}}}"#), "Ended"),
            (format!(r#"{{"type":"response.incomplete","response":{response}}}"#), "Ended"),
            (r#"{"type":"response.failed","response":{"error":{"code":"x"}}}"#.to_owned(), "Failed"),
            (r#"{"type":"error","code":"x","message":"y"}"#.to_owned(), "Failed"),
            (r#"{"error":{"message":"y"}}"#.to_owned(), "Failed"),
            (r#"{"type":"response.output_text.delta","delta":"H"}"#.to_owned(), "Piece"),
            (r#"{"type":"response.output_text.delta","delta":""}"#.to_owned(), "Known"),
            (r#"{"type":"response.output_item.added","item":{"type":"message"}}"#.to_owned(), "Known"),
            (r#"{"type":"response.output_item.added","item":{"type":"reasoning"}}"#.to_owned(), "Known"),
            (r#"{"type":"response.output_text.done","text":"H"}"#.to_owned(), "Known"),
            (r#"{"type":"response.mcp_call.failed","error":"no"}"#.to_owned(), "Other"),
            (r#"{"type":"response.output_item.added","item":{"type":"function_call"}}"#.to_owned(), "Item"),
            (r#"{"type":"response.output_item.done","item":{"type":"message"}}"#.to_owned(), "Item"),
            (r#"{"type":"response.of_next_year"}"#.to_owned(), "Other"),
        ] {
            let read = Numbered::read(data.as_bytes(), None).expect(&data);
            assert!(format!("{:?}", read.event).starts_with(expected), "{data}: {read:?}");
        }
        for (data, expected) in [
            (r#"{"type":"response.output_item.added","item":{"type":"web_search_call"}}"#, true),
            (r#"{"type":"response.web_search_call.completed","item_id":"ws_1"}"#, true),
            (
                r#"{"type":"response.output_text.annotation.added","annotation":{"type":"url_citation"}}"#,
                true,
            ),
            (
                r#"{"type":"response.output_text.annotation.added","annotation":{"type":"file_citation"}}"#,
                false,
            ),
            (r#"{"type":"response.output_item.done","item":{"type":"function_call","name":"f"}}"#, false),
            (r#"{"type":"response.output_text.delta","delta":"web_search_call"}"#, false),
        ] {
            let read = Numbered::read(data.as_bytes(), None).expect(data);
            assert_eq!(read.billed_apart, expected, "{data}");
        }
        for broken in
            ["[]", "{", r#"{"type":"response.created"}"#, r#"{"type":"response.created","response":7}"#]
        {
            assert!(Numbered::read(broken.as_bytes(), None).is_none(), "{broken}");
        }
    }
}
