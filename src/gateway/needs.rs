//! What a request needs of a model: room for its prompt, tools, eyes. An opinion, formed cheaply and only where the
//! catalogue knows enough for it to matter.
//!
//! Imports [`request`](super::request), [`members`](super::members) and the store's snapshot. Pure.

use std::borrow::Cow;
use std::cell::OnceCell;

use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::classify::ErrorClass;
use super::members::text;
use super::request::ChatRequest;
use crate::store::snapshot::ModelEntry;

/// No text of people or programs has so many characters for each of its tokens: English has four to five, whatever
/// is written in other scripts has fewer. So the prompt has at least a token for each so many characters.
const MOST_CHARACTERS: usize = 8;

/// What one request needs. The messages are read at most once, and only if they might not fit.
#[derive(Debug)]
pub struct Needs<'a> {
    request: &'a ChatRequest,
    prompt: OnceCell<Prompt>,
}

/// What the messages hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Prompt {
    /// Characters of text.
    characters: usize,
    /// Whether there is an image.
    images: bool,
}

impl<'a> Needs<'a> {
    /// The needs of a request.
    #[must_use]
    pub fn of(request: &'a ChatRequest) -> Self {
        Self { request, prompt: OnceCell::new() }
    }

    /// Why the model will probably not serve the request: `too_large` or `lacks_capability`.
    #[must_use]
    pub fn unfit(&self, model: &ModelEntry) -> Option<ErrorClass> {
        if self.is_too_large(model) {
            return Some(ErrorClass::TooLarge);
        }
        let blind = model.capabilities.vision == Some(false) && self.has_images();
        let unable = model.capabilities.tools == Some(false) && self.has_tools();
        (blind || unable).then_some(ErrorClass::LacksCapability)
    }

    fn is_too_large(&self, model: &ModelEntry) -> bool {
        let Some(window) = model.context_window.and_then(|window| usize::try_from(window).ok()) else {
            return false;
        };
        // A body has no more characters than bytes, so most need not be read for this.
        let exceeds = |characters: usize| characters / MOST_CHARACTERS > window;
        exceeds(self.request.body.len()) && exceeds(self.prompt().characters)
    }

    fn has_images(&self) -> bool {
        memmem::find(&self.request.body, b"image").is_some() && self.prompt().images
    }

    fn has_tools(&self) -> bool {
        let holds = |name: &str| {
            let part = self.request.parts.iter().find(|part| part.name == name);
            part.is_some_and(|part| !matches!(self.request.value(part), b"null" | b"[]"))
        };
        holds("tools") || holds("functions")
    }

    fn prompt(&self) -> Prompt {
        *self.prompt.get_or_init(|| {
            let part = self.request.parts.iter().find(|part| part.name == "messages");
            part.map(|part| Prompt::read(self.request.value(part))).unwrap_or_default()
        })
    }
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow, deserialize_with = "text")] Cow<'a, str>);

impl Prompt {
    /// What is not understood counts as nothing: it is the provider's to judge.
    fn read(messages: &[u8]) -> Self {
        let messages: Vec<Message<'_>> = serde_json::from_slice(messages).unwrap_or_default();
        messages.iter().filter_map(|message| message.content).map(Self::of_content).fold(
            Self::default(),
            |all, one| Self {
                characters: all.characters.saturating_add(one.characters),
                images: all.images || one.images,
            },
        )
    }

    fn of_content(content: &RawValue) -> Self {
        if !content.get().starts_with('[') {
            return Self { characters: characters(content), images: false };
        }
        let parts: Vec<Part<'_>> = serde_json::from_str(content.get()).unwrap_or_default();
        let image = |part: &Part<'_>| {
            part.kind
                .is_some_and(|kind| matches!(kind.get(), "\"image_url\"" | "\"input_image\"" | "\"image\""))
        };
        Self {
            characters: parts.iter().filter_map(|part| part.text).map(characters).sum(),
            images: parts.iter().any(image),
        }
    }
}

/// Characters of a JSON string, without its escapes; of anything else none.
fn characters(value: &RawValue) -> usize {
    serde_json::from_str::<Text<'_>>(value.get()).map_or(0, |text| text.0.chars().count())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn prompt(body: &str) -> (Prompt, bool) {
        let request = ChatRequest::parse(Bytes::copy_from_slice(body.as_bytes())).expect(body);
        let needs = Needs::of(&request);
        (needs.prompt(), needs.has_tools())
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
