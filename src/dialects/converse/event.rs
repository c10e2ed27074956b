//! The events of a stream: what the gateway reads of each.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::dialects::messages::content::Piece;

/// What an event says.
#[derive(Debug)]
pub enum Event<'a> {
    /// `messageStart`: the message without its content.
    Start,
    /// `contentBlockStart` or `contentBlockDelta`: the start or a piece of a block.
    Piece(Piece<'a>),
    /// `messageStop`: why the message ended.
    End(Cow<'a, str>),
    /// `metadata`, the last event: the usage and the tier, as raw JSON.
    Metadata {
        /// The counts of tokens.
        usage: Option<&'a RawValue>,
        /// The tier that served the request.
        tier: Option<&'a RawValue>,
    },
    /// `contentBlockStop`, and events that are not known here.
    Other,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    #[serde(borrow)]
    message_start: Option<&'a RawValue>,
    #[serde(borrow)]
    content_block_start: Option<&'a RawValue>,
    #[serde(borrow)]
    content_block_delta: Option<&'a RawValue>,
    #[serde(borrow)]
    message_stop: Option<&'a RawValue>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct End<'a> {
    #[serde(borrow)]
    stop_reason: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    service_tier: Option<Tier<'a>>,
}

/// The tier of an answer.
#[derive(Debug, Deserialize)]
pub struct Tier<'a> {
    /// Its name, as raw JSON.
    #[serde(borrow, rename = "type")]
    pub kind: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Start<'a> {
    #[serde(borrow)]
    start: Started<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Started<'a> {
    #[serde(borrow)]
    tool_use: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow)]
    delta: Added<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Added<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_use: Option<Input<'a>>,
    #[serde(borrow)]
    reasoning_content: Option<Reasoning<'a>>,
    #[serde(borrow)]
    citation: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Input<'a> {
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reasoning<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    signature: Option<&'a RawValue>,
    #[serde(borrow)]
    redacted_content: Option<&'a RawValue>,
}

impl<'a> Event<'a> {
    /// Reads the data of an event. `None` if it is not a JSON object with members of the usual types.
    #[must_use]
    pub fn read(data: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(data).ok()?;
        let data: Data<'a> = serde_json::from_str(text).ok()?;
        Some(if data.message_start.is_some() {
            Self::Start
        } else if let Some(start) = data.content_block_start {
            let start: Start<'a> = serde_json::from_str(start.get()).ok()?;
            Self::Piece(start.start.tool_use.map_or(Piece::Nothing, of_call))
        } else if let Some(delta) = data.content_block_delta {
            let delta: Delta<'a> = serde_json::from_str(delta.get()).ok()?;
            Self::Piece(of_delta(delta.delta))
        } else if let Some(stop) = data.message_stop {
            let end: End<'a> = serde_json::from_str(stop.get()).ok()?;
            Self::End(meant(end.stop_reason))
        } else if let Some(metadata) = data.metadata {
            let metadata: Metadata<'a> = serde_json::from_str(metadata.get()).ok()?;
            let tier = metadata.service_tier.and_then(|tier| tier.kind);
            Self::Metadata { usage: metadata.usage, tier }
        } else {
            Self::Other
        })
    }
}

/// The reason of an end, with the usual word for an answer that broke off: of what the model wrote, nothing can be used.
pub(super) fn meant(reason: Cow<'_, str>) -> Cow<'_, str> {
    if reason.starts_with("malformed_") { "error".into() } else { reason }
}

/// Reads a call of a tool, or the start of one.
pub(super) fn of_call(call: &RawValue) -> Piece<'_> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Call<'a> {
        #[serde(borrow)]
        tool_use_id: Option<Cow<'a, str>>,
        #[serde(borrow)]
        name: Option<Cow<'a, str>>,
        #[serde(borrow, rename = "type")]
        kind: Option<Cow<'a, str>>,
    }
    let Ok(read) = serde_json::from_str::<Call<'_>>(call.get()) else { return Piece::Unnamed(call) };
    let is_there = |text: Option<Cow<'_, str>>| text.is_some_and(|text| !text.is_empty());
    match (is_there(read.tool_use_id) && is_there(read.name), read.kind) {
        (false, _) => Piece::Unnamed(call),
        (true, Some(_)) => Piece::VendorsCall(call),
        (true, None) => Piece::Json(call),
    }
}

/// Reads a text that may be empty.
pub(super) fn of_text(text: Option<&RawValue>) -> Piece<'_> {
    match text {
        // More than two quotes.
        Some(text) if text.get().len() > 2 => Piece::Text(text),
        Some(_) | None => Piece::Nothing,
    }
}

fn of_delta(delta: Added<'_>) -> Piece<'_> {
    let Added { text, tool_use, reasoning_content, citation } = delta;
    if text.is_some() {
        return of_text(text);
    }
    if let Some(Input { input }) = tool_use {
        // The start of its block says whether the call is one.
        return match of_text(input) {
            Piece::Text(input) => Piece::Unnamed(input),
            other => other,
        };
    }
    let Some(Reasoning { text, signature, redacted_content }) = reasoning_content else {
        // Images, and results of tools that the vendor runs, are not known here.
        return if citation.is_some() { Piece::Nothing } else { Piece::Opaque };
    };
    match (of_text(text), signature.or(redacted_content)) {
        (Piece::Nothing, Some(_)) => Piece::Opaque,
        (text, _) => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_is_known_by_its_name() {
        for (data, expected) in [
            (r#"{"messageStart":{"role":"assistant"}}"#, "Start"),
            (r#"{"contentBlockStop":{"contentBlockIndex":0}}"#, "Other"),
            (r#"{"ofNextYear":{}}"#, "Other"),
            (r#"{"messageStop":{"stopReason":"end_turn"}}"#, r#"End("end_turn")"#),
            (r#"{"messageStop":{"stopReason":"malformed_tool_use"}}"#, r#"End("error")"#),
            (
                r#"{"metadata":{"usage":{"inputTokens":9},"metrics":{"latencyMs":80},"serviceTier":{"type":"flex"},"p":"abc"}}"#,
                r#"Metadata { usage: Some(RawValue({"inputTokens":9})), tier: Some(RawValue("flex")) }"#,
            ),
        ] {
            let read = Event::read(data.as_bytes()).map(|event| format!("{event:?}"));
            assert_eq!(read.as_deref(), Some(expected), "{data}");
        }
        for none in ["", "7", "[]", r#"{"messageStop":{}}"#, r#"{"contentBlockDelta":{}}"#] {
            assert!(Event::read(none.as_bytes()).is_none(), "{none}");
        }
    }

    #[test]
    fn a_piece_is_content_unless_it_is_empty_or_continues_a_call() {
        for (start, content) in [
            (r#"{"toolUse":{"toolUseId":"t","name":"n"}}"#, true),
            (r#"{"toolUse":{"toolUseId":"t","name":"n","type":"server_tool_use"}}"#, true),
            (r#"{"toolUse":{"toolUseId":"","name":"n"}}"#, false),
            (r#"{"toolUse":{"name":"n"}}"#, false),
            ("{}", false),
        ] {
            let data = format!(r#"{{"contentBlockStart":{{"contentBlockIndex":1,"start":{start}}}}}"#);
            let Some(Event::Piece(piece)) = Event::read(data.as_bytes()) else { panic!("{data}") };
            assert_eq!(piece.is_content(), content, "{data}");
        }
        for (delta, content) in [
            (r#"{"text":"a"}"#, true),
            (r#"{"text":""}"#, false),
            (r#"{"toolUse":{"input":"{"}}"#, false),
            (r#"{"reasoningContent":{"text":"a"}}"#, true),
            (r#"{"reasoningContent":{"signature":"c2ln"}}"#, true),
            (r#"{"reasoningContent":{"redactedContent":"eA=="}}"#, true),
            (r#"{"reasoningContent":{}}"#, false),
            (r#"{"citation":{"title":"t"}}"#, false),
            (r#"{"image":{"source":{"bytes":"eA=="}}}"#, true),
        ] {
            let data = format!(r#"{{"contentBlockDelta":{{"contentBlockIndex":0,"delta":{delta}}}}}"#);
            let Some(Event::Piece(piece)) = Event::read(data.as_bytes()) else { panic!("{data}") };
            assert_eq!(piece.is_content(), content, "{data}");
        }
    }
}
