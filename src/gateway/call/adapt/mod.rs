//! The request body for a candidate's provider: the caller's body with the provider's name of the model and without
//! the gateway's fields. For a fallback it is also adapted to what the model accepts.
//!
//! Pure.

mod body;
mod content;
mod converse_body;
mod draft;
mod functions;
mod gemini_body;
mod history;
mod messages;
mod messages_body;
mod operation_body;
mod parameters;
mod reasoning;
mod responses_body;
mod thinking;

use std::borrow::Cow;

use memchr::memmem;

pub use self::body::Adapted;
use self::body::{Out, member};
use self::parameters::Fallback;
use crate::dialects::Dialect;
use crate::dialects::change::{Changes, Verb};
use crate::domain::operation::Operation;
use crate::gateway::request::chat_request::{ChatRequest, ROUTER_MEMBERS, is_own};
use crate::gateway::request::json_object::{RawObject, RawText, quoted};
use crate::providers::StreamOptions;
use crate::providers::compatibility::{Parameters, STREAM_MEMBERS, STRICT, TargetModel};
use crate::store::snapshot::ModelEntry;

/// Writes the body for `model`. `primary` says that the caller wrote the request for this model, which holds for no
/// translation. Parameters in `refused` are left out; of the primary's request only `stream_options`, which the gateway may have added,
/// the reasoning in its history, and members of its messages.
#[must_use]
pub fn adapt(request: &ChatRequest, model: &ModelEntry, primary: bool, refused: Parameters) -> Adapted {
    if request.operation != Operation::Chat {
        return operation_body::adapt(request, model, primary, refused);
    }
    let primary = primary && request.translated_with.is_none();
    match request.dialect {
        Dialect::ChatCompletions => adapt_completion(request, model, primary, refused),
        Dialect::Messages => {
            messages_body::adapt(request, model, primary, Use::Answer, refused.has_reasoning())
        }
        Dialect::Responses => responses_body::adapt(request, model, primary, refused.has_reasoning()),
        Dialect::Gemini => gemini_body::adapt(request, model, refused.has_reasoning()),
        Dialect::Converse => converse_body::adapt(request, model, refused.has_reasoning()),
    }
}

/// Writes the body of a message for a count of its tokens, likewise.
#[must_use]
pub fn adapt_count(request: &ChatRequest, model: &ModelEntry, primary: bool) -> Adapted {
    messages_body::adapt(request, model, primary && request.translated_with.is_none(), Use::Count, false)
}

/// What the provider does with a message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Its model answers it.
    Answer,
    /// The tokens are counted.
    Count,
}

fn adapt_completion(
    request: &ChatRequest,
    model: &ModelEntry,
    primary: bool,
    refused: Parameters,
) -> Adapted {
    let mut out = Out::new(request, request.body.len() + model.upstream_model.len() + 64);
    let mut changes = Changes::after(request.translated_with.as_deref().unwrap_or_default());
    let preset = model.provider.preset;
    let options = Options::of(request, model, primary, refused);
    let fallback = (!primary).then(|| Fallback::new(request, model, refused));
    let mut options_written = false;
    out.text.push(b'{');
    for part in &request.parts {
        let name = part.name.as_str();
        let value = request.value(part);
        let foreign = ROUTER_MEMBERS.contains(&name) && !preset.understands.contains(&name);
        if is_own(request.dialect, name) || foreign || name == "model" {
            continue;
        }
        if name == "stream_options" && options != Options::AsTheyAre {
            if options == Options::AskForUsage {
                let stripped = refused.contains(STREAM_MEMBERS) && has_more_than_usage(value);
                if stripped {
                    changes.note(Verb::Stripped, name);
                }
                member(&mut out, name, &with_usage(if stripped { b"".as_slice() } else { value }));
                options_written = true;
            } else {
                changes.note(Verb::Dropped, name);
            }
            continue;
        }
        let edited = if name == "messages" { accepted(value, model, refused, &mut changes) } else { None };
        let value = edited.as_deref().map_or(value, str::as_bytes);
        match &fallback {
            None => member(&mut out, name, value),
            Some(fallback) => {
                if let Some((name, value)) = fallback.member(name, value, &mut changes) {
                    member(&mut out, &name, &value);
                }
            }
        }
    }
    if let Some((name, value)) = fallback.and_then(|fallback| fallback.added(&mut changes)) {
        member(&mut out, &name, &value);
    }
    if options == Options::AskForUsage && !options_written {
        member(&mut out, "stream_options", br#"{"include_usage":true}"#);
    }
    member(&mut out, "model", quoted(&model.upstream_model).as_bytes());
    out.text.push(b'}');
    out.into_body(changes)
}

/// The messages without what the provider refused in them: reasoning, and members. `None` means that nothing changes.
fn accepted(
    messages: &[u8],
    model: &ModelEntry,
    refused: Parameters,
    changes: &mut Changes,
) -> Option<String> {
    let members = refused.in_messages();
    if members.is_empty() && !refused.has_reasoning() {
        return None;
    }
    let messages = std::str::from_utf8(messages).ok()?;
    let bare = if refused.has_reasoning() { without_reasoning(messages, model, changes) } else { None };
    if members.is_empty() {
        return bare;
    }
    history::without_members(bare.as_deref().unwrap_or(messages), members, changes).or(bare)
}

fn without_reasoning(messages: &str, model: &ModelEntry, changes: &mut Changes) -> Option<String> {
    let capabilities = &model.settings.capabilities;
    let target = TargetModel::of(model.provider.preset, &model.upstream_model, capabilities, true);
    history::without_reasoning(messages, target.signed_calls, changes)
}

/// The optional parameters in the body for this candidate, without those in `refused`. They can be left out of a
/// second call if the provider refuses them. A message has none.
#[must_use]
pub fn optional(request: &ChatRequest, model: &ModelEntry, primary: bool, refused: Parameters) -> Parameters {
    if request.operation != Operation::Chat {
        let asks = Options::of(request, model, primary, refused) == Options::AskForUsage;
        return Parameters::of(asks.then_some("stream_options"));
    }
    let primary = primary && request.translated_with.is_none();
    match request.dialect {
        Dialect::ChatCompletions => optional_of_completion(request, model, primary, refused),
        Dialect::Messages | Dialect::Responses | Dialect::Gemini | Dialect::Converse => Parameters::default(),
    }
}

fn optional_of_completion(
    request: &ChatRequest,
    model: &ModelEntry,
    primary: bool,
    refused: Parameters,
) -> Parameters {
    let asks = Options::of(request, model, primary, refused) == Options::AskForUsage;
    let asked = asks.then_some("stream_options");
    let written = request.parts.iter().map(|part| part.name.as_str());
    let written = written.filter(|name| !primary || *name == "stream_options");
    let strict = (!primary && says_strict(request)).then_some(STRICT);
    let own = request.parts.iter().find(|part| part.name == "stream_options");
    let more =
        own.is_some_and(|own| asks && has_more_than_usage(request.value(own))).then_some(STREAM_MEMBERS);
    let messages = request.parts.iter().find(|part| part.name == "messages");
    let messages = messages.and_then(|part| std::str::from_utf8(request.value(part)).ok());
    let in_messages = messages.map(history::members).unwrap_or_default();
    Parameters::of(written.chain(asked).chain(strict).chain(more)).with(in_messages).without(refused)
}

/// Whether a tool or the response schema sets `strict`.
fn says_strict(request: &ChatRequest) -> bool {
    let parts = request.parts.iter();
    let mut parts =
        parts.filter(|part| matches!(part.name.as_str(), "tools" | "functions" | "response_format"));
    parts.any(|part| memmem::find(request.value(part), b"\"strict\"").is_some())
}

/// How to treat `stream_options`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Options {
    /// Send them, with `include_usage` set.
    AskForUsage,
    /// Send them if the caller did.
    AsTheyAre,
    /// Leave them out of the body.
    LeftOut,
}

impl Options {
    fn of(request: &ChatRequest, model: &ModelEntry, primary: bool, refused: Parameters) -> Self {
        // Streams of other operations have no such options.
        if !request.operation.writes() {
            return Self::AsTheyAre;
        }
        let setting = model.provider.stream_options;
        if refused.contains("stream_options") || setting == StreamOptions::Unsupported {
            return Self::LeftOut;
        }
        match setting.asks_for_usage(model.provider.preset) {
            true if request.stream => Self::AskForUsage,
            false if !primary => Self::LeftOut,
            true | false => Self::AsTheyAre,
        }
    }
}

/// Whether `stream_options` have a member other than `include_usage`.
fn has_more_than_usage(options: &[u8]) -> bool {
    RawObject::parse(options)
        .is_ok_and(|members| members.0.iter().any(|member| member.name != "include_usage"))
}

/// Sets `include_usage` in `stream_options` and keeps its other fields.
fn with_usage(options: &[u8]) -> Cow<'_, [u8]> {
    let Ok(members) = RawObject::parse(options) else {
        return Cow::Borrowed(br#"{"include_usage":true}"#);
    };
    if members.get("include_usage").map(RawText::get) == Some("true") {
        return Cow::Borrowed(options);
    }
    let mut out = br#"{"include_usage":true"#.to_vec();
    for member in members.0.iter().filter(|member| member.name != "include_usage") {
        out.push(b',');
        out.extend_from_slice(quoted(&member.name).as_bytes());
        out.push(b':');
        out.extend_from_slice(member.value.bytes());
    }
    out.push(b'}');
    Cow::Owned(out)
}

#[cfg(test)]
mod tests;
