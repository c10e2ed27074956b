//! One chunk of a stream, or one whole answer: what it says, and the same with our names in it.
//!
//! It is read once, and what is kept of it are places in its text. Imports [`choices`](super::choices),
//! [`members`](super::members), [`adapt`](super::adapt) and [`cost`](super::cost).

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::adapt::quoted;
use super::choices::{Choices, Key};
use super::cost::{Reported, Tier, parse_inside};
use super::members::{MAX_MEMBERS, Members, span};

/// The catalogue's names for who answers, as JSON strings.
#[derive(Debug, Clone)]
pub struct Names {
    /// The model.
    pub model: String,
    /// The provider.
    pub provider: String,
}

impl Names {
    /// The names as they are written into answers.
    #[must_use]
    pub fn new(model: &str, provider: &str) -> Self {
        Self { model: quoted(model), provider: quoted(provider) }
    }
}

/// What a JSON answer or chunk turned out to be. Its text is handed in again where it is needed.
#[derive(Debug, Clone, Default)]
pub struct Inspected {
    /// What its choices say.
    pub choices: Choices,
    /// Whether it has `choices` at all, an empty list included.
    pub chosen: bool,
    /// What it says of its tokens.
    pub usage: Reported,
    /// Whether it has a `system_fingerprint`, null included.
    pub fingerprint: bool,
    members: usize,
    model: Option<Range<usize>>,
    provider: Option<Range<usize>>,
    id: Option<Range<usize>>,
    object: Option<Range<usize>>,
    created: Option<Range<usize>>,
    error: Option<Range<usize>>,
    blocked: bool,
}

/// Why a JSON text is no answer.
#[derive(Debug)]
pub enum NoAnswer {
    /// It is no JSON object.
    Broken,
    /// It is an error: where the value of its `error` member stands.
    Error(Range<usize>),
    /// The prompt was blocked (Gemini's `promptFeedback`).
    Blocked,
}

impl Inspected {
    /// Looks at one answer or chunk.
    ///
    /// # Errors
    /// [`NoAnswer`] says what it is instead.
    pub fn new(text: &[u8]) -> Result<Self, NoAnswer> {
        let mut reader = serde_json::Deserializer::from_slice(text);
        let seen = reader.deserialize_map(Object { text }).map_err(|_| NoAnswer::Broken)?;
        reader.end().map_err(|_| NoAnswer::Broken)?;
        if let Some(error) = seen.error {
            return Err(NoAnswer::Error(error));
        }
        if seen.blocked && !seen.choices.any {
            return Err(NoAnswer::Blocked);
        }
        Ok(seen)
    }

    /// A stream's last chunk, which carries the usage and nothing else.
    #[must_use]
    pub fn is_usage_only(&self) -> bool {
        !self.choices.any && self.usage.present
    }

    /// Which model the provider says that it is, as raw JSON.
    #[must_use]
    pub fn upstream_model<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        text.get(self.model.clone()?).filter(|name| !matches!(*name, b"null" | b"\"\""))
    }

    /// The identity of a stream, for a chunk of our own: the raw `id`, `object` and `created`.
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
        }
    }

    /// Writes the text into `out` with our names in it. `extra` is a member to add, such as `"a":null`; everything
    /// else is copied byte for byte.
    pub fn write(&self, text: &[u8], out: &mut Vec<u8>, names: &Names, extra: &[Cow<'_, str>]) {
        let mut edits = [(&self.model, &names.model), (&self.provider, &names.provider)];
        edits.sort_unstable_by_key(|(place, _)| place.as_ref().map_or(usize::MAX, |place| place.start));
        let mut from = 0;
        for (place, value) in edits {
            let Some(place) = place else { continue };
            out.extend_from_slice(text.get(from..place.start).unwrap_or_default());
            out.extend_from_slice(value.as_bytes());
            from = place.end;
        }
        let end = text.iter().rposition(|byte| *byte == b'}').unwrap_or(text.len());
        out.extend_from_slice(text.get(from..end).unwrap_or_default());
        let mut first = self.members == 0;
        let mut add = |parts: [&str; 2]| {
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            parts.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
        };
        if self.model.is_none() {
            add(["\"model\":", &names.model]);
        }
        if self.provider.is_none() {
            add(["\"provider\":", &names.provider]);
        }
        extra.iter().for_each(|member| add([member, ""]));
        out.extend_from_slice(text.get(end..).unwrap_or_default());
    }
}

/// Reads the top level of an answer.
struct Object<'a> {
    text: &'a [u8],
}

impl<'de> Visitor<'de> for Object<'_> {
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
                    let choices: Option<Choices> = map.next_value()?;
                    seen.chosen = choices.is_some();
                    seen.choices = choices.unwrap_or_default();
                }
                "usage" => seen.usage = seen.usage.followed_by(map.next_value()?),
                "x_groq" => seen.usage = seen.usage.followed_by(parse_inside(map.next_value()?)),
                "service_tier" => {
                    let tier: &RawValue = map.next_value()?;
                    seen.usage.tier = Tier::read(tier.get()).or(seen.usage.tier);
                }
                // Also a null is replaced, and not joined by a second one.
                "model" => seen.model = Some(whole(map.next_value()?)),
                "provider" => seen.provider = Some(whole(map.next_value()?)),
                "id" => seen.id = place(map.next_value()?),
                "object" => seen.object = place(map.next_value()?),
                "created" => seen.created = place(map.next_value()?),
                "error" => seen.error = place(map.next_value()?),
                "promptFeedback" | "prompt_feedback" => seen.blocked |= blocked(map.next_value()?),
                name => {
                    seen.fingerprint |= name == "system_fingerprint";
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(seen)
    }
}

/// The identity of a stream: raw JSON values.
#[derive(Debug, Clone)]
pub struct Identity {
    /// `id`.
    pub id: String,
    /// `object`.
    pub object: String,
    /// `created`.
    pub created: String,
}

impl Identity {
    /// For a stream that never told its own.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            id: "\"\"".to_owned(),
            object: "\"chat.completion.chunk\"".to_owned(),
            created: "0".to_owned(),
        }
    }
}

fn blocked(feedback: &RawValue) -> bool {
    Members::parse(feedback.get().as_bytes()).is_ok_and(|feedback| {
        feedback.present("blockReason").or_else(|| feedback.present("block_reason")).is_some()
    })
}

#[cfg(test)]
mod tests;
