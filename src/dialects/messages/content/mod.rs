//! The content of a message: blocks of text, reasoning, calls of tools and more.
//!
//! Unknown blocks count as content, because the caller may understand them.

pub mod stored;

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
    /// A call of a tool that the vendor runs and may bill apart, as JSON.
    VendorsCall(&'a RawValue),
    /// A call that no caller can act on, because it lacks its name or its id, or a piece of the input of any call, as JSON.
    Unnamed(&'a RawValue),
    /// Content without a text of the model, such as a signature.
    Opaque,
    /// No content, such as the empty text at the start of a block.
    Nothing,
    /// No block: it is no object, or has no type.
    Broken,
}

/// What the blocks of a message hold together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Blocks {
    /// Whether there is content that a caller can show or act on.
    pub content: bool,
    /// Whether there is a call that lacks its name or its id.
    pub unnamed: bool,
    /// Whether there is a call of a tool that the vendor runs.
    pub vendors_calls: bool,
    /// Whether it is no list, or something in it is no block: an object with a type.
    pub broken: bool,
}

impl<'a> Piece<'a> {
    /// Whether a caller can show it or act on it.
    #[must_use]
    pub fn is_content(self) -> bool {
        match self {
            Self::Text(_) | Self::Json(_) | Self::VendorsCall(_) | Self::Opaque => true,
            Self::Unnamed(_) | Self::Nothing | Self::Broken => false,
        }
    }

    fn of_text(text: Option<&'a RawValue>) -> Self {
        match text {
            Some(text) if is_word(text) => Self::Text(text),
            Some(_) | None => Self::Nothing,
        }
    }
}

impl Blocks {
    /// Reads a list of blocks.
    #[must_use]
    pub fn of(blocks: &RawValue) -> Self {
        serde_json::from_str(blocks.get()).unwrap_or(Self { broken: true, ..Self::default() })
    }

    fn add(&mut self, piece: Piece<'_>) {
        self.broken |= matches!(piece, Piece::Broken);
        self.content |= piece.is_content();
        self.unnamed |= matches!(piece, Piece::Unnamed(_));
        self.vendors_calls |= matches!(piece, Piece::VendorsCall(_));
    }
}

/// Whether a value is not empty: a string with a character, or another value that is longer than two.
fn is_word(value: &RawValue) -> bool {
    value.get().len() > 2
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
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
}

impl Block<'_> {
    /// Whether a call has what its result has to name.
    fn is_named(&self) -> bool {
        let is_text = |value: Option<&RawValue>| {
            value.is_some_and(|value| is_word(value) && value.get().starts_with('"'))
        };
        is_text(self.name) && is_text(self.id)
    }
}

/// Reads a block of a message, or the start of one in a stream.
#[must_use]
pub fn of_block(block: &RawValue) -> Piece<'_> {
    let Ok(read) = serde_json::from_str::<Block<'_>>(block.get()) else { return Piece::Broken };
    match read.kind.as_deref() {
        Some("text") => Piece::of_text(read.text),
        Some("thinking") => match Piece::of_text(read.thinking) {
            Piece::Nothing if Piece::of_text(read.signature).is_content() => Piece::Opaque,
            thinking => thinking,
        },
        Some("tool_use" | "server_tool_use" | "mcp_tool_use") if !read.is_named() => Piece::Unnamed(block),
        Some("server_tool_use") => Piece::VendorsCall(block),
        // The model did not write what a tool of the vendor found, and what is encrypted has no length in tokens.
        Some(kind) if kind == "redacted_thinking" || kind.ends_with("_tool_result") => Piece::Opaque,
        Some(_) => Piece::Json(block),
        None => Piece::Broken,
    }
}

/// Reads a delta of a block.
#[must_use]
pub fn of_delta(delta: &RawValue) -> Piece<'_> {
    let Ok(read) = serde_json::from_str::<Block<'_>>(delta.get()) else { return Piece::Nothing };
    match read.kind.as_deref() {
        Some("text_delta") => Piece::of_text(read.text),
        Some("thinking_delta") => Piece::of_text(read.thinking),
        // The start of its block says whether the call is one.
        Some("input_json_delta") => match Piece::of_text(read.partial_json) {
            Piece::Text(json) => Piece::Unnamed(json),
            other => other,
        },
        Some("signature_delta") if !Piece::of_text(read.signature).is_content() => Piece::Nothing,
        Some(_) => Piece::Opaque,
        None => Piece::Nothing,
    }
}

/// Lists are visited without collecting them.
impl<'de> Deserialize<'de> for Blocks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Blocks;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of blocks")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Blocks, A::Error> {
                let mut blocks = Blocks::default();
                while let Some(block) = list.next_element::<&RawValue>()? {
                    blocks.add(of_block(block));
                }
                Ok(blocks)
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
            assert_eq!(Blocks::of(&raw(&format!("[{block}]"))).content, content, "{block}");
        }
        for (blocks, broken) in [
            ("[]", false),
            (r#"[{"type":"text","text":""}]"#, false),
            ("null", true),
            ("{}", true),
            ("\"text\"", true),
            ("[null]", true),
            (r#"[{"text":"a"}]"#, true),
            (r#"[{"type":"text","text":"a"},{"type":7}]"#, true),
        ] {
            assert_eq!(Blocks::of(&raw(blocks)).broken, broken, "{blocks}");
        }
    }

    #[test]
    fn a_call_needs_a_name_and_an_id() {
        for kind in ["tool_use", "server_tool_use", "mcp_tool_use"] {
            for (members, named) in [
                (r#""id":"t","name":"n""#, true),
                (r#""id":"","name":"n""#, false),
                (r#""id":"t","name":"""#, false),
                (r#""id":"t","name":null"#, false),
                (r#""id":700,"name":"n""#, false),
                (r#""name":"n""#, false),
            ] {
                let block = format!(r#"{{"type":"{kind}",{members},"input":{{}}}}"#);
                let blocks = Blocks::of(&raw(&format!("[{block}]")));
                assert_eq!((blocks.content, blocks.unnamed), (named, !named), "{block}");
                assert_eq!(blocks.vendors_calls, named && kind == "server_tool_use", "{block}");
            }
        }
    }

    #[test]
    fn a_delta_is_content_unless_it_is_empty_or_continues_a_call() {
        for (delta, content) in [
            (r#"{"type":"text_delta","text":""}"#, false),
            (r#"{"type":"text_delta","text":"a"}"#, true),
            (r#"{"type":"thinking_delta","thinking":"a"}"#, true),
            (r#"{"type":"input_json_delta","partial_json":""}"#, false),
            (r#"{"type":"input_json_delta","partial_json":"{"}"#, false),
            (r#"{"type":"signature_delta","signature":""}"#, false),
            (r#"{"type":"signature_delta","signature":"c2ln"}"#, true),
            (r#"{"type":"citations_delta","citation":{}}"#, true),
            ("{}", false),
        ] {
            assert_eq!(of_delta(&raw(delta)).is_content(), content, "{delta}");
        }
    }
}
