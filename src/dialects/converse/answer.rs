//! A whole answer: what the gateway reads of it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::event::{Tier, meant, of_call, of_text};
use crate::dialects::messages::content::{Blocks, Piece};

/// The top level of a whole answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer<'a> {
    #[serde(borrow)]
    output: Option<Output<'a>>,
    #[serde(borrow)]
    stop_reason: Option<Cow<'a, str>>,
    /// The reported usage, as raw JSON.
    #[serde(borrow)]
    pub usage: Option<&'a RawValue>,
    #[serde(borrow)]
    service_tier: Option<Tier<'a>>,
}

#[derive(Debug, Deserialize)]
struct Output<'a> {
    #[serde(borrow)]
    message: Option<Message<'a>>,
}

#[derive(Debug, Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Block<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_use: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning_content: Option<Reasoning<'a>>,
    #[serde(borrow)]
    citations_content: Option<Cited<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reasoning<'a> {
    #[serde(borrow)]
    reasoning_text: Option<ReasoningText<'a>>,
}

#[derive(Deserialize)]
struct ReasoningText<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Cited<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

impl<'a> Answer<'a> {
    /// Reads a text. `None` if it is not a JSON object with members of the usual types.
    #[must_use]
    pub fn read(text: &'a [u8]) -> Option<Self> {
        serde_json::from_str(std::str::from_utf8(text).ok()?).ok()
    }

    /// Whether it has a message, even an empty one.
    #[must_use]
    pub fn has_message(&self) -> bool {
        self.output.as_ref().is_some_and(|output| output.message.is_some())
    }

    /// The reason for its end.
    #[must_use]
    pub fn end(&self) -> Option<Cow<'_, str>> {
        self.stop_reason.as_deref().map(|reason| meant(Cow::Borrowed(reason)))
    }

    /// The tier that served the request, as raw JSON.
    #[must_use]
    pub fn tier(&self) -> Option<&'a RawValue> {
        self.service_tier.as_ref().and_then(|tier| tier.kind)
    }

    /// What its blocks hold. Those that are no object are left out.
    #[must_use]
    pub fn pieces(&self) -> Vec<Piece<'a>> {
        let content = self.output.as_ref().and_then(|output| output.message.as_ref()?.content);
        let blocks = content.and_then(|content| serde_json::from_str::<Vec<&RawValue>>(content.get()).ok());
        blocks.unwrap_or_default().into_iter().map(of_block).collect()
    }

    /// What its blocks hold together.
    #[must_use]
    pub fn blocks(&self) -> Blocks {
        self.pieces().into_iter().fold(Blocks::default(), |blocks, piece| Blocks {
            content: blocks.content || piece.is_content(),
            unnamed: blocks.unnamed || matches!(piece, Piece::Unnamed(_)),
            vendors_calls: blocks.vendors_calls || matches!(piece, Piece::VendorsCall(_)),
            broken: blocks.broken || matches!(piece, Piece::Broken),
        })
    }
}

fn of_block(block: &RawValue) -> Piece<'_> {
    let Ok(read) = serde_json::from_str::<Block<'_>>(block.get()) else { return Piece::Broken };
    match read {
        Block { text: Some(text), .. } => of_text(Some(text)),
        Block { tool_use: Some(call), .. } => of_call(call),
        Block { reasoning_content: Some(Reasoning { reasoning_text: Some(reasoning) }), .. } => {
            of_text(reasoning.text)
        }
        Block { citations_content: Some(cited), .. } => cited.content.map_or(Piece::Nothing, Piece::Json),
        // Encrypted reasoning, images, and what is not known.
        _ => Piece::Opaque,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(content: &str) -> (bool, bool) {
        let text = format!(r#"{{"output":{{"message":{{"role":"assistant","content":[{content}]}}}}}}"#);
        let Blocks { content, unnamed, .. } = Answer::read(text.as_bytes()).expect("an answer").blocks();
        (content, unnamed)
    }

    #[test]
    fn a_block_is_content_once_it_holds_something() {
        for (content, expected) in [
            ("", (false, false)),
            (r#"{"text":""}"#, (false, false)),
            (r#"{"text":"a"}"#, (true, false)),
            (r#"{"reasoningContent":{"reasoningText":{"text":"a","signature":"s"}}}"#, (true, false)),
            (r#"{"reasoningContent":{"redactedContent":"eA=="}}"#, (true, false)),
            (r#"{"toolUse":{"toolUseId":"t","name":"n","input":{}}}"#, (true, false)),
            (r#"{"toolUse":{"toolUseId":"t","input":{}}}"#, (false, true)),
            (r#"{"citationsContent":{"content":[{"text":"a"}]}}"#, (true, false)),
            (r#"{"ofNextYear":{}}"#, (true, false)),
        ] {
            assert_eq!(blocks(content), expected, "{content}");
        }
    }

    #[test]
    fn an_answer_has_a_message_an_end_and_a_tier() {
        let text = r#"{"output":{"message":{"content":[]}},"stopReason":"malformed_model_output","serviceTier":{"type":"priority"}}"#;
        let answer = Answer::read(text.as_bytes()).expect("an answer");
        assert!(answer.has_message());
        assert_eq!(answer.end().as_deref(), Some("error"));
        assert_eq!(answer.tier().map(RawValue::get), Some("\"priority\""));
        let error = Answer::read(br#"{"message":"Slow down"}"#).expect("an object");
        assert!(!error.has_message() && error.end().is_none());
        assert!(Answer::read(b"[]").is_none());
    }
}
