//! The content of a message: blocks of text, reasoning, calls of tools and more.
//!
//! Unknown blocks count as content, because the caller may understand them.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// What a block, or a delta of one, holds.
#[derive(Debug, Clone, Copy)]
pub enum Piece<'a> {
    /// Text or reasoning that is not empty, as a JSON string.
    Text(&'a RawValue),
    /// Something else that the model wrote, such as a call of a tool, as JSON.
    Json(&'a RawValue),
    /// Content without a text of the model, such as a signature.
    Opaque,
    /// No content, such as the empty text at the start of a block.
    Nothing,
}

impl<'a> Piece<'a> {
    /// Whether a caller can show it or act on it.
    #[must_use]
    pub fn is_content(self) -> bool {
        !matches!(self, Self::Nothing)
    }

    fn of_text(text: Option<&'a RawValue>) -> Self {
        match text {
            Some(text) if text.get().len() > 2 => Self::Text(text),
            Some(_) | None => Self::Nothing,
        }
    }
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    thinking: Option<&'a RawValue>,
    #[serde(borrow, default)]
    signature: Option<&'a RawValue>,
    #[serde(borrow, default)]
    partial_json: Option<&'a RawValue>,
}

/// Reads a block of a message, or the start of one in a stream.
#[must_use]
pub fn of_block(block: &RawValue) -> Piece<'_> {
    let Ok(read) = serde_json::from_str::<Block<'_>>(block.get()) else { return Piece::Nothing };
    match read.kind.as_deref() {
        Some("text") => Piece::of_text(read.text),
        Some("thinking") => match Piece::of_text(read.thinking) {
            Piece::Nothing if Piece::of_text(read.signature).is_content() => Piece::Opaque,
            thinking => thinking,
        },
        Some(_) => Piece::Json(block),
        None => Piece::Nothing,
    }
}

/// Reads a delta of a block.
#[must_use]
pub fn of_delta(delta: &RawValue) -> Piece<'_> {
    let Ok(read) = serde_json::from_str::<Block<'_>>(delta.get()) else { return Piece::Nothing };
    match read.kind.as_deref() {
        Some("text_delta") => Piece::of_text(read.text),
        Some("thinking_delta") => Piece::of_text(read.thinking),
        Some("input_json_delta") => match Piece::of_text(read.partial_json) {
            Piece::Text(json) => Piece::Json(json),
            other => other,
        },
        Some("signature_delta") if !Piece::of_text(read.signature).is_content() => Piece::Nothing,
        Some(_) => Piece::Opaque,
        None => Piece::Nothing,
    }
}

/// Whether there is content in a list of blocks. Lists are visited without collecting them.
#[must_use]
pub fn any_in(blocks: &RawValue) -> bool {
    serde_json::from_str::<Blocks>(blocks.get()).is_ok_and(|blocks| blocks.0)
}

struct Blocks(bool);

impl<'de> Deserialize<'de> for Blocks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Blocks;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of blocks")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Blocks, A::Error> {
                let mut any = false;
                while let Some(block) = list.next_element::<&RawValue>()? {
                    any = any || of_block(block).is_content();
                }
                Ok(Blocks(any))
            }
        }
        deserializer.deserialize_seq(List)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).expect(text)
    }

    #[test]
    fn a_block_is_content_once_it_holds_something() {
        for (block, content) in [
            (r#"{"type":"text","text":""}"#, false),
            (r#"{"type":"text","text":"a"}"#, true),
            (r#"{"type":"text"}"#, false),
            (r#"{"type":"thinking","thinking":"","signature":""}"#, false),
            (r#"{"type":"thinking","thinking":"a","signature":""}"#, true),
            (r#"{"type":"thinking","thinking":"","signature":"c2ln"}"#, true),
            (r#"{"type":"redacted_thinking","data":"x"}"#, true),
            (r#"{"type":"tool_use","id":"t","name":"n","input":{}}"#, true),
            (r#"{"type":"of_next_year"}"#, true),
            (r#"{"text":"a"}"#, false),
            ("7", false),
        ] {
            assert_eq!(of_block(&raw(block)).is_content(), content, "{block}");
            assert_eq!(any_in(&raw(&format!("[{block}]"))), content, "{block}");
        }
        for none in ["[]", "null", "{}", "\"text\""] {
            assert!(!any_in(&raw(none)), "{none}");
        }
    }

    #[test]
    fn a_delta_is_content_unless_it_is_empty() {
        for (delta, content) in [
            (r#"{"type":"text_delta","text":""}"#, false),
            (r#"{"type":"text_delta","text":"a"}"#, true),
            (r#"{"type":"thinking_delta","thinking":"a"}"#, true),
            (r#"{"type":"input_json_delta","partial_json":""}"#, false),
            (r#"{"type":"input_json_delta","partial_json":"{"}"#, true),
            (r#"{"type":"signature_delta","signature":""}"#, false),
            (r#"{"type":"signature_delta","signature":"c2ln"}"#, true),
            (r#"{"type":"citations_delta","citation":{}}"#, true),
            ("{}", false),
        ] {
            assert_eq!(of_delta(&raw(delta)).is_content(), content, "{delta}");
        }
    }
}
