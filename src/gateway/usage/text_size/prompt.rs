//! Measures a prompt: every field of the body that a model may read, in any shape.
//!
//! The body is visited without collecting it. Unknown shapes count by their bytes, because a provider may understand
//! them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::open_ended::{self, Contents};
use super::{LONG, TOKEN, TextSize};
use crate::dialects::Dialect;
use crate::dialects::bounded_object::Key;
use crate::dialects::members::{Members, list};
use crate::domain::operation::Operation;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::request::json_object::lossy;
use crate::gateway::request::response_items::Items;
use crate::gateway::request::tools::has_providers_tool;

/// The tokens of a message besides its text, in most vendors' formats.
const MESSAGE: u64 = 4 * TOKEN;
/// The tokens that vendors commonly count for an image of 1024 by 1024 pixels.
const IMAGE: u64 = 765 * TOKEN;
/// Bytes per token, if only the bytes are known.
const BYTES: u64 = 4;
/// Fields up to this length are settings, which are not part of a prompt.
const SETTING: usize = 64;
/// Fields that no model reads, even if they are long. A `prediction` is billed as an answer, as far as it is wrong.
const UNREAD: [&str; 12] = [
    "model",
    "models",
    "fallbacks",
    "metadata",
    "user",
    "session_id",
    "safety_identifier",
    "prompt_cache_key",
    "stop",
    "logit_bias",
    "stream_options",
    "prediction",
];
/// Fields by which a vendor may leave out a part of the messages.
const SHORTENING: [&str; 8] = [
    "context_management",
    "extra_body",
    "options",
    "plugins",
    "transforms",
    "truncate",
    "truncate_prompt_tokens",
    "truncation",
];

impl TextSize {
    /// The prompt of a request: its messages, the tools that it offers, and whatever else in it is more than a setting.
    #[must_use]
    pub fn of_prompt(request: &ChatRequest) -> Self {
        if let Some(form) = &request.form {
            return Self::of_recording(form.file_bytes() as u64);
        }
        let whole = request.parts.iter().fold(Self::default(), |measure, part| {
            let value = request.value(part);
            measure.then(match part.name.as_str() {
                "messages" => Self::of_messages(&lossy(value)),
                "input" if request.dialect == Dialect::Responses => Self::of_input(value),
                "instructions" if request.dialect == Dialect::Responses && is_string(value) => {
                    Self::of_turn(value)
                }
                "input" if request.operation == Operation::Moderations => Self::of_moderated(value),
                "input" | "prompt" if request.operation.takes_many_prompts() => Self::of_texts(value),
                "contents" => Self::of_contents(value),
                "system" if is_string(value) => Self::of_turn(value),
                "system" | "systemInstruction" => Self::of_field("system", value),
                // Not every vendor counts the others.
                "tools" | "functions" => {
                    Self::of_tools(&lossy(value)).open_ended_if(has_providers_tool(value))
                }
                // The schema in it can have fields of any name.
                "response_format" => Self::as_it_stands(&lossy(value)).doubtful(),
                name => Self::of_field(name, value).doubtful(),
            })
        });
        let shortens = |name: &str| SHORTENING.contains(&name);
        if request.parts.iter().any(|part| shortens(&part.name)) { whole.doubtful() } else { whole }
    }

    /// The input of a response: a text, or items. Those with tools have the size that the tools have as a field.
    fn of_input(value: &[u8]) -> Self {
        if is_string(value) {
            return Self::of_turn(value);
        }
        if value == b"null" {
            return Self::default();
        }
        let Some(items) = Items::of(value) else {
            return Self::of_messages(&lossy(value)).open_ended_if(true);
        };
        let size = match items.apart_from_tools() {
            Some((holders, others)) => holders
                .into_iter()
                .fold(Self::of_messages(&others), |size, item| size.then(Self::of_tools(item.get()))),
            None => Self::of_messages(&lossy(value)),
        };
        size.open_ended_if(items.name_what_is_kept() || items.offer_a_providers_tool())
    }

    /// The size of a text that is a turn, however short it is.
    fn of_turn(value: &[u8]) -> Self {
        let size = Self::as_it_stands(&lossy(value));
        let names_files = open_ended::names_files(value);
        Self { weight: size.weight + MESSAGE, ..size }.open_ended_if(names_files)
    }

    /// The size of tools. Models read them as JSON, including field names.
    fn of_tools(text: &str) -> Self {
        Self::as_it_stands(text).doubtful()
    }

    fn of_field(name: &str, value: &[u8]) -> Self {
        let search = open_ended::is_search(name, value);
        let size = if !search && (value.len() <= SETTING || UNREAD.contains(&name)) {
            Self::default()
        } else {
            Self::as_it_stands(&lossy(value))
        };
        let size = Self { mixed: name == "documents" || search, open_ended: search, ..size };
        size.open_ended_if(!UNREAD.contains(&name) && open_ended::in_field(name, value))
    }

    /// Says that there may be content of unknown size.
    fn open_ended_if(self, open_ended: bool) -> Self {
        Self {
            mixed: self.mixed || open_ended,
            open_ended: self.open_ended || open_ended,
            names_content: self.names_content || open_ended,
            ..self
        }
    }

    /// The size of a JSON text, including punctuation and field names.
    pub(super) fn as_it_stands(text: &str) -> Self {
        if matches!(text, "null" | "[]") {
            return Self::default();
        }
        if text.len() > LONG {
            return Self::sampled(text);
        }
        let mut measure = Self { bytes: text.len() as u64, ..Self::default() };
        text.chars().filter(|character| *character != '"').for_each(|character| measure.push(character));
        measure
    }

    fn of_messages(text: &str) -> Self {
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

    /// The size of Gemini's contents.
    fn of_contents(value: &[u8]) -> Self {
        let contents = serde_json::from_slice::<&RawValue>(value).ok().and_then(list).unwrap_or_default();
        let parts = contents.into_iter().filter_map(Members::of).filter_map(|content| content.list("parts"));
        let sizes = parts.flatten().filter_map(Members::of).map(|part| {
            let said = ["text", "functionCall", "functionResponse"];
            let size = said
                .iter()
                .filter_map(|name| part.raw(name))
                .fold(Self::default(), |size, json| size.then(Self::as_it_stands(json.get())));
            let has_media = ["inlineData", "fileData"].iter().any(|name| part.raw(name).is_some());
            if has_media { size.unknown() } else { size }
        });
        sizes.fold(Self::default(), Self::then)
    }

    /// The size of content of which only the bytes are known.
    fn by_bytes(bytes: u64) -> Self {
        Self { bytes, weight: (bytes * TOKEN).div_ceil(BYTES), ..Self::default() }.unknown()
    }

    /// Says that there may be anything in it.
    pub(super) fn unknown(self) -> Self {
        Self { mixed: true, sounds: true, ..self }
    }

    /// The size of content with this weight.
    pub(super) fn weighing(weight: u64) -> Self {
        Self { weight, ..Self::default() }
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

fn is_string(value: &[u8]) -> bool {
    value.starts_with(b"\"")
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
