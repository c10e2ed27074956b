//! What a request requires of a model: context window, tools, vision, structured output. A cheap estimate, made only
//! if the catalog knows the model's limits.
//!
//! Pure.

use std::borrow::Cow;
use std::fmt;

use entity::ids::ProviderId;
use memchr::memmem;
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::dialects::Dialect;
use crate::dialects::bounded_object::text;
use crate::dialects::need::Need;
use crate::domain::failure::class::ErrorClass;
use crate::domain::operation::Operation;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::request::json_object::RawObject;
use crate::providers::Documents;
use crate::providers::compatibility::TargetModel;
use crate::store::snapshot::ModelEntry;

/// An upper bound for the characters of a token: English has four to five, other scripts have fewer. So a prompt has
/// at least one token for every eight characters.
const MOST_CHARACTERS: usize = 8;

/// The requirements of one request. The messages are parsed at most once, and only if they might not fit.
#[derive(Debug)]
pub struct Requirements<'a> {
    request: &'a ChatRequest,
    /// The provider of the first model, if it is known.
    primary: Option<ProviderId>,
    /// The only provider that may store a response of which the id names none.
    only_keeper: Option<ProviderId>,
}

/// A summary of the messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::gateway) struct Prompt {
    /// The number of characters of text.
    characters: usize,
    /// Whether there is an image.
    images: bool,
}

impl<'a> Requirements<'a> {
    /// The requirements of a request.
    #[must_use]
    pub fn of(request: &'a ChatRequest) -> Self {
        Self { request, primary: None, only_keeper: None }
    }

    /// The requirements of a request with a first model of this provider.
    #[must_use]
    pub fn with_primary(self, primary: Option<ProviderId>) -> Self {
        Self { primary, ..self }
    }

    /// The requirements of a request in reach of one provider that may store a response of which the id names none.
    #[must_use]
    pub fn with_only_keeper(self, only_keeper: Option<ProviderId>) -> Self {
        Self { only_keeper, ..self }
    }

    /// Parses the messages of a large request early, off the event loop.
    pub(in crate::gateway) fn parse_early(&self) {
        self.prompt();
        self.request.stored_state();
    }

    /// What the request needs and the model cannot do.
    #[must_use]
    pub fn lacking(&self, model: &ModelEntry) -> Option<Need> {
        match self.request.spoken_to(model) {
            Ok(sent) if lacks_documents(sent, model) => Some(Need::Document),
            Ok(_) if self.request.stored_state().continues_thread() && !model.provider.preset.threads => {
                Some(Need::Thread)
            }
            // Only responses name their provider, so that of all else is the first one.
            Ok(_)
                if self.request.dialect != Dialect::Responses && self.primary == Some(model.provider.id) =>
            {
                None
            }
            Ok(_) => self.request.stored_state().lacking(model.provider.id, self.primary, self.only_keeper),
            Err(need) => Some(need),
        }
    }

    /// Why the model will probably not serve the request: `too_large` or `lacks_capability`.
    #[must_use]
    pub fn unfit(&self, model: &ModelEntry) -> Option<ErrorClass> {
        // The window, tools and images are those of a conversation.
        if self.request.operation != Operation::Chat {
            return None;
        }
        if self.is_too_large(model) {
            return Some(ErrorClass::TooLarge);
        }
        let blind = model.settings.capabilities.vision == Some(false) && self.has_images();
        let unable = model.settings.capabilities.tools == Some(false) && self.has_tools();
        (blind || unable || self.is_without_schemas(model)).then_some(ErrorClass::LacksCapability)
    }

    fn is_too_large(&self, model: &ModelEntry) -> bool {
        let Some(window) = model.settings.context_window.and_then(|window| usize::try_from(window).ok())
        else {
            return false;
        };
        // A body has at most as many characters as bytes, so most messages need not be parsed.
        let exceeds = |characters: usize| characters / MOST_CHARACTERS > window;
        exceeds(self.request.body.len()) && exceeds(self.prompt().characters)
    }

    fn has_images(&self) -> bool {
        memmem::find(&self.request.body, b"image").is_some() && self.prompt().images
    }

    fn has_tools(&self) -> bool {
        // Codex has its tools in the input.
        let in_input = self.request.dialect == Dialect::Responses
            && memmem::find(&self.request.body, b"\"additional_tools\"").is_some();
        in_input || self.request.has_tools()
    }

    /// Whether the request asks for a response schema that the model does not support. The vendors' table counts for
    /// fallbacks only, because callers know what the primary supports.
    fn is_without_schemas(&self, model: &ModelEntry) -> bool {
        let known = model.settings.capabilities.structured_output == Some(false);
        let primary = *model.name == *self.request.wanted.primary();
        if (primary && !known) || !self.has_schema() {
            return false;
        }
        let tools = self.has_tools();
        let target = || {
            TargetModel::of(model.provider.preset, &model.upstream_model, &model.settings.capabilities, tools)
        };
        known || !target().follows_schemas(tools)
    }

    fn has_schema(&self) -> bool {
        let object = |name: &str| {
            let part = self.request.parts.iter().find(|part| part.name == name);
            part.and_then(|part| RawObject::parse(self.request.value(part)).ok())
        };
        let kind = match self.request.dialect {
            Dialect::ChatCompletions | Dialect::Messages | Dialect::Gemini | Dialect::Converse => {
                object("response_format").and_then(|format| format.get("type"))
            }
            Dialect::Responses => {
                let format = object("text").and_then(|text| text.get("format"));
                let format = format.and_then(|format| RawObject::parse(format.bytes()).ok());
                format.and_then(|format| format.get("type"))
            }
        };
        kind.is_some_and(|kind| kind.get() == "\"json_schema\"")
    }

    fn prompt(&self) -> Prompt {
        *self.request.prompt.get_or_init(|| {
            let name = match self.request.dialect {
                Dialect::ChatCompletions | Dialect::Messages | Dialect::Converse => "messages",
                Dialect::Responses => "input",
                Dialect::Gemini => "contents",
            };
            let part = self.request.parts.iter().find(|part| part.name == name);
            part.map(|part| Prompt::read(self.request.value(part))).unwrap_or_default()
        })
    }
}

/// Whether a translation has documents that the model does not take. What a caller of the same dialect sends is the caller's
/// own decision.
fn lacks_documents(sent: &ChatRequest, model: &ModelEntry) -> bool {
    let blind = model.settings.capabilities.vision == Some(false);
    sent.documents > model.provider.preset.documents || blind && sent.documents != Documents::None
}

#[derive(serde::Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
}

#[derive(serde::Deserialize)]
struct Part<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
}

#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow, deserialize_with = "text")] Cow<'a, str>);

impl Prompt {
    /// Unknown shapes count as empty; the provider will reject them.
    fn read(messages: &[u8]) -> Self {
        serde_json::from_slice(messages).map(|Messages(prompt)| prompt).unwrap_or_default()
    }

    fn of_content(content: &RawValue) -> Self {
        if !content.get().starts_with('[') {
            return Self { characters: characters(content), images: false };
        }
        serde_json::from_str(content.get()).map(|Parts(prompt)| prompt).unwrap_or_default()
    }

    fn of_part(part: &Part<'_>) -> Self {
        let image = |kind: &RawValue| matches!(kind.get(), "\"image_url\"" | "\"input_image\"" | "\"image\"");
        Self { characters: part.text.map_or(0, characters), images: part.kind.is_some_and(image) }
    }

    fn and(self, other: Self) -> Self {
        Self {
            characters: self.characters.saturating_add(other.characters),
            images: self.images || other.images,
        }
    }
}

/// Lists that are visited without collecting them: millions of tiny elements would need many times their size in
/// memory.
macro_rules! visited_list {
    ($list:ident, $entry:ident, $read:expr) => {
        struct $list(Prompt);

        impl<'de> Deserialize<'de> for $list {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct List;
                impl<'de> Visitor<'de> for List {
                    type Value = $list;

                    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                        formatter.write_str("a list")
                    }

                    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<$list, A::Error> {
                        let mut prompt = Prompt::default();
                        while let Some(entry) = list.next_element::<$entry<'de>>()? {
                            prompt = prompt.and($read(&entry));
                        }
                        Ok($list(prompt))
                    }
                }
                deserializer.deserialize_seq(List)
            }
        }
    };
}

visited_list!(Messages, Message, |message: &Message<'de>| {
    message.content.map(Prompt::of_content).unwrap_or_default()
});
visited_list!(Parts, Part, Prompt::of_part);

/// The number of characters of a JSON string; 0 for any other value.
fn characters(value: &RawValue) -> usize {
    serde_json::from_str::<Text<'_>>(value.get()).map_or(0, |text| text.0.chars().count())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn prompt(body: &str) -> (Prompt, bool) {
        let request = ChatRequest::parse(Bytes::copy_from_slice(body.as_bytes())).expect(body);
        let requirements = Requirements::of(&request);
        (requirements.prompt(), requirements.has_tools())
    }

    #[test]
    fn what_the_messages_hold() {
        for (messages, characters, images) in [
            (r#"[{"role":"user","content":"four"}]"#, 4, false),
            (r#"[{"content":"f\u00fcnf\n"},{"content":null},{"role":"tool"}]"#, 5, false),
            (r#"[{"content":[{"type":"text","text":"four"},{"type":"text","text":"five5"}]}]"#, 9, false),
            (r#"[{"content":[{"type":"image_url","image_url":{"url":"data:aaaaaaaaaaaaaaa"}}]}]"#, 0, true),
            (r#"[{"content":"type image_url"}]"#, 14, false),
            (r#"[{"content":[{"type":"text","text":"image_url"}]}]"#, 9, false),
            (r#"[7,"x"]"#, 0, false),
            (r#"{"content":"x"}"#, 0, false),
            (r#"[{"content":{"text":"x"}}]"#, 0, false),
            (r#"[{"content":["x",{"type":7,"text":9}]}]"#, 0, false),
        ] {
            let body = format!(r#"{{"model":"m","messages":{messages}}}"#);
            assert_eq!(prompt(&body).0, Prompt { characters, images }, "{messages}");
        }
    }

    #[test]
    fn tools_are_what_is_in_the_list() {
        for (member, tools) in [
            (r#""tools":[{"type":"function"}]"#, true),
            (r#""functions":[{"name":"f"}]"#, true),
            (r#""tools":[]"#, false),
            (r#""tools":null"#, false),
            (r#""tool_choice":"none""#, false),
        ] {
            let body = format!(r#"{{"model":"m",{member}}}"#);
            assert_eq!(prompt(&body).1, tools, "{member}");
        }
    }
}
