//! Measures a prompt: every field of the body that a model may read, in any shape. Unknown shapes count by their bytes,
//! because a provider may understand them.

use serde_json::value::RawValue;

use super::messages::{BYTES, MESSAGE, SETTING};
use super::open_ended;
use super::{LONG, TOKEN, TextSize};
use crate::dialects::Dialect;
use crate::dialects::members::{Members, list};
use crate::domain::operation::Operation;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::request::json_object::lossy;
use crate::gateway::request::response_items::Items;
use crate::gateway::request::tools::has_providers_tool;

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
            return Self::of_form(form, request);
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
    pub(super) fn open_ended_if(self, open_ended: bool) -> Self {
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
    pub(super) fn by_bytes(bytes: u64) -> Self {
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
}

fn is_string(value: &[u8]) -> bool {
    value.starts_with(b"\"")
}
