//! Measures the messages of a prompt and their contents, in any shape. They are visited without being collected.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::open_ended::{self, Contents};
use super::{LONG, TOKEN, TextSize};
use crate::dialects::bounded_object::Key;

/// The tokens of a message besides its text, in most vendors' formats.
pub(super) const MESSAGE: u64 = 4 * TOKEN;
/// The tokens that vendors commonly count for an image of 1024 by 1024 pixels.
const IMAGE: u64 = 765 * TOKEN;
/// Bytes per token, if only the bytes are known.
pub(super) const BYTES: u64 = 4;
/// Fields up to this length are settings, which are not part of a prompt.
pub(super) const SETTING: usize = 64;

impl TextSize {
    /// The size of a list of messages, or of what is in its place.
    pub(super) fn of_messages(text: &str) -> Self {
        let named = open_ended::names_files(text.as_bytes());
        let contents = Contents::of(text.as_bytes());
        let size = if text.len() > LONG && contents.only_text {
            Self::sampled(text).open_ended_if(named)
        } else {
            let size = match serde_json::from_str(text) {
                Ok(Messages(measure)) => measure,
                Err(_) => Self::by_bytes(text.len() as u64),
            };
            size.open_ended_if(named || open_ended::in_messages(text.as_bytes()))
        };
        // Vendors leave the reasoning of earlier answers out.
        if contents.reasoning { size.doubtful() } else { size }
    }

    /// The size of a message's content: a string or parts.
    pub(super) fn of_content(content: &RawValue) -> Self {
        let text = content.get();
        if text.starts_with('"') {
            return Self::of_value(content);
        }
        if !text.starts_with('[') {
            let size = Self::as_it_stands(text);
            return if text == "null" { size } else { size.unknown() };
        }
        match serde_json::from_str(text) {
            Ok(Content(measure)) => measure,
            Err(_) => Self::by_bytes(text.len() as u64),
        }
    }
}

/// Deserializes a list by measuring its elements. Anything else is an error; then the text counts by its bytes.
macro_rules! measured_list {
    ($list:ident, $entry:ident, $expecting:literal) => {
        struct $list(TextSize);

        impl<'de> Deserialize<'de> for $list {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct List;
                impl<'de> Visitor<'de> for List {
                    type Value = $list;

                    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                        formatter.write_str($expecting)
                    }

                    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<$list, A::Error> {
                        let mut measure = TextSize::default();
                        while let Some($entry(entry)) = list.next_element()? {
                            measure = measure.then(entry);
                        }
                        Ok($list(measure))
                    }
                }
                deserializer.deserialize_seq(List)
            }
        }
    };
}

measured_list!(Messages, Message, "a list of messages");
measured_list!(Content, Part, "a list of parts");

/// Visitor methods for values in place of an object: strings count by their characters, others as one message.
macro_rules! scalars_are_measured {
    ($entry:ident) => {
        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("any JSON")
        }

        fn visit_unit<E: Error>(self) -> Result<$entry, E> {
            Ok($entry(TextSize::weighing(MESSAGE)))
        }

        fn visit_bool<E: Error>(self, _: bool) -> Result<$entry, E> {
            self.visit_unit()
        }

        fn visit_i64<E: Error>(self, _: i64) -> Result<$entry, E> {
            self.visit_unit()
        }

        fn visit_u64<E: Error>(self, _: u64) -> Result<$entry, E> {
            self.visit_unit()
        }

        fn visit_f64<E: Error>(self, _: f64) -> Result<$entry, E> {
            self.visit_unit()
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<$entry, E> {
            let mut measure = TextSize { bytes: text.len() as u64, ..TextSize::default() };
            text.chars().for_each(|character| measure.push(character));
            Ok($entry(TextSize { weight: measure.weight + MESSAGE, ..measure }))
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<$entry, A::Error> {
            let mut measure = TextSize::weighing(MESSAGE);
            while let Some(entry) = list.next_element::<&RawValue>()? {
                measure = measure.then(TextSize::as_it_stands(entry.get()));
            }
            Ok($entry(measure.unknown()))
        }
    };
}

/// One of the messages.
struct Message(TextSize);

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MessageVisitor)
    }
}

struct MessageVisitor;

impl<'de> Visitor<'de> for MessageVisitor {
    type Value = Message;

    scalars_are_measured!(Message);

    /// A duplicate field counts twice, because providers differ in which one they read.
    fn visit_map<A: MapAccess<'de>>(self, mut message: A) -> Result<Message, A::Error> {
        let mut measure = TextSize::default();
        while let Some(Key(name)) = message.next_key()? {
            let value: &RawValue = message.next_value()?;
            measure = match &*name {
                "content" => measure.then(TextSize::of_content(value)),
                "role" | "name" | "tool_call_id" | "id" if value.get().len() <= SETTING => measure,
                "audio" if value.get() != "null" => {
                    measure.then(TextSize::of_value(value).unknown().doubtful())
                }
                "tool_calls" | "function_call" => measure.then(TextSize::of_value(value)),
                _ => measure.then(TextSize::of_value(value).doubtful()),
            };
        }
        Ok(Message(TextSize { weight: measure.weight + MESSAGE, ..measure }))
    }
}

/// One part of a message's content.
struct Part(TextSize);

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PartVisitor)
    }
}

struct PartVisitor;

impl<'de> Visitor<'de> for PartVisitor {
    type Value = Part;

    scalars_are_measured!(Part);

    fn visit_map<A: MapAccess<'de>>(self, mut part: A) -> Result<Part, A::Error> {
        let (mut measure, mut is_text, mut other) = (TextSize::default(), false, 0_u64);
        let (mut mixed, mut sounds) = (false, false);
        while let Some(Key(name)) = part.next_key()? {
            match &*name {
                "text" => {
                    measure = measure.then(TextSize::of_value(part.next_value()?));
                    is_text = true;
                }
                "type" | "cache_control" | "id" => {
                    part.next_value::<IgnoredAny>()?;
                }
                // The content of a tool's result, in Anthropic's dialect.
                "content" => {
                    measure = measure.then(TextSize::of_content(part.next_value()?));
                    is_text = true;
                }
                "thinking" | "input" => {
                    measure = measure.then(TextSize::of_value(part.next_value()?));
                    is_text = true;
                }
                "tool_use_id" | "name" | "is_error" | "cachePoint" => {
                    part.next_value::<IgnoredAny>()?;
                    is_text = true;
                }
                "source" => {
                    let source = part.next_value::<&RawValue>()?.get();
                    mixed = true;
                    let image = source.contains("image/") || source.contains("\"url\"");
                    let bytes = (source.len() as u64 * TOKEN).div_ceil(BYTES);
                    other = other.saturating_add(if image { IMAGE } else { bytes });
                }
                // Images count by their pixels, regardless of the file size.
                "image_url" | "image" | "video_url" => {
                    part.next_value::<IgnoredAny>()?;
                    other = other.max(IMAGE);
                    (mixed, sounds) = (true, sounds || *name == *"video_url");
                }
                sound => {
                    (mixed, sounds) = (true, true);
                    let value = part.next_value::<&RawValue>()?.get().as_bytes();
                    let each = open_ended::bytes_per_token(value).filter(|_| sound == "input_audio");
                    other =
                        other.saturating_add((value.len() as u64 * TOKEN).div_ceil(each.unwrap_or(BYTES)));
                }
            }
        }
        let other = if is_text { other } else { other.max(IMAGE) };
        Ok(Part(TextSize { weight: measure.weight + other, mixed: mixed || !is_text, sounds, ..measure }))
    }
}
