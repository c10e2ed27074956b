//! Inspects one chunk of a stream or one whole answer, and rewrites the model and provider names in it.
//!
//! The text is parsed once; only byte ranges are kept.

mod converse;
pub(in crate::gateway::call) mod gemini;
mod names;
mod operation;
mod scan;
mod whole;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

pub use names::Names;
pub(super) use whole::{has_extras, usage_of};

use super::choices::{Choices, Unmeasured, shows_search};
use crate::dialects::Dialect;
use crate::dialects::bounded_object::{Key, MAX_MEMBERS};
use crate::gateway::request::json_object::{RawObject, span};
use crate::gateway::usage::pricing::{ChoiceUsage, Reported, Tier, parse_inside};
use crate::gateway::usage::text_size::TextSize;
use crate::providers::{UpstreamError, error_in_answer, error_instead_of_answer, is_empty_error};

/// The result of inspecting an answer or chunk. Methods that need its text take it again.
#[derive(Debug, Clone, Default)]
pub struct Inspected {
    /// A summary of its choices.
    pub choices: Choices,
    /// Whether it has `choices`, even an empty list.
    pub chosen: bool,
    /// The reported token usage, without that of choices.
    pub usage: Reported,
    /// The token usage that choices report.
    pub choice_usage: ChoiceUsage,
    /// Whether it has a `system_fingerprint`, even null.
    pub fingerprint: bool,
    /// The place of the last `content`, if it was noted.
    pub content: Option<Range<usize>>,
    members: usize,
    model: Option<Range<usize>>,
    provider: Option<Range<usize>>,
    /// Further places of the model and the provider, if their fields occur more than once, and those of marks.
    repeated: Repeated,
    id: Option<Range<usize>>,
    object: Option<Range<usize>>,
    created: Option<Range<usize>>,
    error: Option<Range<usize>>,
    blocked: bool,
    /// Whether it has fields that ordinary answers lack.
    odd: bool,
    /// Whether one of its own fields shows something that no token price covers.
    extras: bool,
    /// Whether names that the provider left out stay so.
    bare: bool,
}

/// Places of repeated fields and of marks, each with what is written there.
type Repeated = Vec<(Range<usize>, Ours)>;

/// What is ours in a field.
#[derive(Debug, Clone, Copy)]
enum Ours {
    /// The name of the model.
    Model,
    /// The name of the provider.
    Provider,
    /// The mark at the end of the id of something that the provider stores.
    Mark,
}

/// Why a JSON text is not an answer.
#[derive(Debug)]
pub enum NoAnswer {
    /// It is not a JSON object.
    Broken,
    /// It is an error.
    Error(Box<UpstreamError>),
    /// The prompt was blocked (Gemini's `promptFeedback`).
    Blocked,
}

impl Inspected {
    /// Inspects one completion or chunk.
    ///
    /// # Errors
    /// [`NoAnswer`] if the text is not one.
    pub fn new(text: &[u8]) -> Result<Self, NoAnswer> {
        Self::inspect::<true>(text)
    }

    /// Inspects a whole answer, without the size of its content: [`Inspected::size`] measures it if it is needed.
    ///
    /// # Errors
    /// As [`Inspected::new`].
    pub fn unmeasured(dialect: Dialect, text: &[u8]) -> Result<Self, NoAnswer> {
        match dialect {
            Dialect::ChatCompletions => Self::inspect::<false>(text),
            Dialect::Messages => Self::of_message(text),
            Dialect::Responses => Self::of_response(text),
            Dialect::Gemini => Self::of_generated(text),
            Dialect::Converse => Self::of_conversed(text),
        }
    }

    /// The size of a whole answer's content.
    #[must_use]
    pub fn size(dialect: Dialect, text: &[u8]) -> TextSize {
        match dialect {
            Dialect::ChatCompletions => {
                Self::new(text).map_or_else(|_| TextSize::default(), |answer| answer.choices.size)
            }
            Dialect::Messages => whole::size_of_message(text),
            Dialect::Responses => whole::size_of_response(text),
            Dialect::Gemini => Self::size_of_generated(text),
            Dialect::Converse => converse::size(text),
        }
    }

    fn inspect<const MEASURED: bool>(text: &[u8]) -> Result<Self, NoAnswer> {
        let mut seen = match scan::scan::<MEASURED>(text) {
            Some(seen) => seen,
            None => Self::parse::<MEASURED>(text)?,
        };
        seen.choices.extras |= seen.extras;
        if seen.choices.usage {
            seen.choice_usage = ChoiceUsage::read(text);
        }
        if let Some(error) = &seen.error {
            let error = error_in_answer(text.get(error.clone()).unwrap_or_default());
            return Err(NoAnswer::Error(Box::new(error)));
        }
        if !seen.choices.any {
            if seen.blocked {
                return Err(NoAnswer::Blocked);
            }
            if let Some(error) = seen.error_without_choices(text) {
                return Err(NoAnswer::Error(Box::new(error)));
            }
        }
        Ok(seen)
    }

    fn parse<const MEASURED: bool>(text: &[u8]) -> Result<Self, NoAnswer> {
        // One UTF-8 check of the whole text replaces a check of each string.
        match std::str::from_utf8(text) {
            Ok(valid) => Self::read::<_, MEASURED>(serde_json::Deserializer::from_str(valid), text),
            Err(_) => Self::read::<_, MEASURED>(serde_json::Deserializer::from_slice(text), text),
        }
    }

    fn read<'a, R: serde_json::de::Read<'a>, const MEASURED: bool>(
        mut reader: serde_json::Deserializer<R>,
        text: &'a [u8],
    ) -> Result<Self, NoAnswer> {
        let seen = reader.deserialize_map(Object::<MEASURED> { text }).map_err(|_| NoAnswer::Broken)?;
        reader.end().map_err(|_| NoAnswer::Broken)?;
        Ok(seen)
    }

    /// An error of a vendor-specific shape in place of choices.
    fn error_without_choices(&self, text: &[u8]) -> Option<UpstreamError> {
        let object = self.object.clone().and_then(|object| text.get(object));
        if self.odd || object == Some(b"\"error\"") { error_instead_of_answer(text) } else { None }
    }

    /// The error in place of a choice, if there is one.
    #[must_use]
    pub fn error_of_choice(&self, text: &[u8]) -> Option<Box<UpstreamError>> {
        #[derive(serde::Deserialize)]
        struct Answer<'a> {
            #[serde(borrow)]
            choices: Vec<Choice<'a>>,
        }
        #[derive(serde::Deserialize)]
        struct Choice<'a> {
            #[serde(borrow, default)]
            error: Option<&'a RawValue>,
        }
        if !self.choices.error {
            return None;
        }
        let answer: Answer<'_> = serde_json::from_slice(text).ok()?;
        let errors = answer.choices.iter().filter_map(|choice| choice.error);
        let error = errors.map(RawValue::get).find(|error| !is_empty_error(error))?;
        Some(Box::new(error_in_answer(error.as_bytes())))
    }

    /// An error beside choices without content, which some vendors end as usual.
    #[must_use]
    pub fn error_beside(&self, text: &[u8]) -> Option<Box<UpstreamError>> {
        if self.choices.content { None } else { self.error_without_choices(text).map(Box::new) }
    }

    /// Whether it is the last chunk of a stream, with usage and without choices.
    #[must_use]
    pub fn is_usage_only(&self) -> bool {
        !self.choices.any && self.usage.present
    }

    /// Whether it has no choices, and fields that ordinary answers lack: clients may know what they mean.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        !self.choices.any && self.odd
    }

    /// The model name that the provider sent, as raw JSON.
    #[must_use]
    pub fn upstream_model<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        text.get(self.model.clone()?).filter(|name| !matches!(*name, b"null" | b"\"\""))
    }

    /// The stream's raw `id`, `object` and `created`, for chunks that the gateway adds.
    #[must_use]
    pub fn identity(&self, text: &[u8]) -> Identity {
        let raw = |place: &Option<Range<usize>>, default: String| {
            let found = place.clone().and_then(|place| std::str::from_utf8(text.get(place)?).ok());
            found.map_or(default, str::to_owned)
        };
        let unknown = Identity::unknown();
        Identity {
            id: raw(&self.id, unknown.id),
            object: raw(&self.object, unknown.object),
            created: raw(&self.created, unknown.created),
            next: unknown.next,
        }
    }

    /// Writes the text into `out` with the catalog's names in it. `extra` holds fields to add, such as `"a":null`;
    /// everything else is copied byte for byte.
    pub fn write(&self, text: &[u8], out: &mut Vec<u8>, names: &Names, extra: &[Cow<'_, str>]) {
        let from = self.rename(text, out, names);
        let end = text.iter().rposition(|byte| *byte == b'}').unwrap_or(text.len());
        out.extend_from_slice(text.get(from..end).unwrap_or_default());
        let mut first = self.members == 0;
        let mut add = |parts: [&str; 2]| {
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            parts.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
        };
        if self.model.is_none() && !self.bare {
            add(["\"model\":", &names.model]);
        }
        if self.provider.is_none()
            && !self.bare
            && let Some(provider) = &names.provider
        {
            add(["\"provider\":", provider]);
        }
        extra.iter().for_each(|member| add([member, ""]));
        out.extend_from_slice(text.get(end..).unwrap_or_default());
    }

    /// Writes the text up to the last of our names, and returns the position after it.
    fn rename(&self, text: &[u8], out: &mut Vec<u8>, names: &Names) -> usize {
        let mut from = 0;
        let mut replace = |place: &Range<usize>, name: &str| {
            out.extend_from_slice(text.get(from..place.start).unwrap_or_default());
            out.extend_from_slice(name.as_bytes());
            from = place.end;
        };
        let provider = names.provider.as_deref().unwrap_or("null");
        let mut edits = [(&self.model, names.model.as_str()), (&self.provider, provider)];
        edits.sort_unstable_by_key(|(place, _)| place.as_ref().map_or(usize::MAX, |place| place.start));
        let edits = edits.into_iter().filter_map(|(place, name)| Some((place.as_ref()?, name)));
        if self.repeated.is_empty() {
            edits.for_each(|(place, name)| replace(place, name));
            return from;
        }
        let mut edits: Vec<_> = edits.collect();
        edits.extend(self.repeated.iter().map(|(place, ours)| match ours {
            Ours::Model => (place, names.model.as_str()),
            Ours::Provider => (place, provider),
            Ours::Mark => (place, names.mark.as_deref().unwrap_or_default()),
        }));
        edits.sort_unstable_by_key(|(place, _)| place.start);
        edits.into_iter().for_each(|(place, name)| replace(place, name));
        from
    }

    /// Notes the place of something of ours. Of names the last one counts, as in most parsers, and all are replaced.
    fn name_at(&mut self, ours: Ours, place: Range<usize>) {
        let earlier = match ours {
            Ours::Model => self.model.replace(place),
            Ours::Provider => self.provider.replace(place),
            Ours::Mark => Some(place),
        };
        if let Some(earlier) = earlier {
            self.repeated.push((earlier, ours));
        }
    }
}

/// Reads the top level of an answer.
struct Object<'a, const MEASURED: bool> {
    text: &'a [u8],
}

impl<'de, const MEASURED: bool> Visitor<'de> for Object<'_, MEASURED> {
    type Value = Inspected;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Inspected, A::Error> {
        let mut seen = Inspected::default();
        let whole = |value: &RawValue| span(self.text, value.get().as_bytes());
        let place = |value: &RawValue| (value.get() != "null").then(|| whole(value));
        while let Some(Key(name)) = map.next_key()? {
            seen.members += 1;
            if seen.members > MAX_MEMBERS {
                return Err(A::Error::custom("too many members"));
            }
            match &*name {
                "choices" => {
                    let choices = if MEASURED {
                        map.next_value::<Option<Choices>>()?
                    } else {
                        map.next_value::<Option<Unmeasured>>()?.map(|choices| choices.0)
                    };
                    seen.chosen = choices.is_some();
                    seen.choices = choices.unwrap_or_default();
                }
                "usage" | "usageMetadata" | "usage_metadata" => {
                    seen.usage = seen.usage.followed_by(map.next_value()?)
                }
                "x_groq" => {
                    seen.usage = seen.usage.followed_by(parse_inside(map.next_value::<&RawValue>()?.get()))
                }
                "service_tier" | "serviceTier" => {
                    let tier: &RawValue = map.next_value()?;
                    seen.usage.tier = Tier::read(tier.get()).or(seen.usage.tier);
                }
                // A null is replaced too, rather than adding a second field.
                "model" => seen.name_at(Ours::Model, whole(map.next_value()?)),
                "provider" => seen.name_at(Ours::Provider, whole(map.next_value()?)),
                "id" => seen.id = place(map.next_value()?),
                "object" => seen.object = place(map.next_value()?),
                "created" => seen.created = place(map.next_value()?),
                "error" => {
                    let error: &RawValue = map.next_value()?;
                    seen.error = (!is_empty_error(error.get())).then(|| whole(error));
                }
                "promptFeedback" | "prompt_feedback" => seen.blocked |= blocked(map.next_value()?),
                name => {
                    let fingerprint = name == "system_fingerprint";
                    seen.fingerprint |= fingerprint;
                    seen.odd |= !fingerprint && name != "obfuscation";
                    seen.extras |= shows_search(name.as_bytes(), map.next_value::<&RawValue>()?.get());
                }
            }
        }
        Ok(seen)
    }
}

/// The `id`, `object` and `created` of a stream, as raw JSON.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The `id` as raw JSON.
    pub id: String,
    /// The `object` as raw JSON.
    pub object: String,
    /// The `created` as raw JSON.
    pub created: String,
    /// The number of the next event, in streams that number them.
    pub next: u64,
}

impl Identity {
    /// The identity of a stream that has none.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            id: "\"\"".to_owned(),
            object: "\"chat.completion.chunk\"".to_owned(),
            created: "0".to_owned(),
            next: 0,
        }
    }
}

fn blocked(feedback: &RawValue) -> bool {
    RawObject::parse(feedback.get().as_bytes()).is_ok_and(|feedback| {
        feedback.present("blockReason").or_else(|| feedback.present("block_reason")).is_some()
    })
}

#[cfg(test)]
mod tests;
