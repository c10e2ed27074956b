//! Summarizes the choices of an answer or chunk in one pass, without copying them.
//!
//! Choices are a list of objects, and each has its message or delta as an object: no caller can use anything else. Its
//! content is a text or a list of parts, and its calls have names. Unknown fields of a message count as content, because
//! the caller may understand them.

mod blank;
mod calls;
mod indices;
mod message;
mod scalars;
mod scan;
mod so_far;
mod texts;
mod unpriced;

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

pub use indices::Indices;
pub(super) use message::Part;
pub(super) use scan::scan;
pub use so_far::ChoicesSoFar;
pub(super) use texts::Texts;

use blank::{SMALL, is_blank, is_parts};
use calls::Called;
use scalars::{Index, Reason, scalars_are, skip_list, skip_object};
use unpriced::has_extras;
pub(super) use unpriced::shows_search;

use crate::dialects::bounded_object::Key;
use crate::gateway::usage::text_size::TextSize;
use crate::providers::finish_reasons::{finish, with_native};
use crate::providers::{FinishMeaning, FinishReason, is_empty_error};

/// A summary of the choices of an answer or chunk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Choices {
    /// Whether the list of choices is not empty.
    pub any: bool,
    /// Whether there is content that a caller can show or act on.
    pub content: bool,
    /// Whether there is a `finish_reason`.
    pub finished: bool,
    /// Whether a choice ended normally, even without content.
    complete: bool,
    /// The first abnormal `finish_reason` of a choice without content.
    pub bad: Option<FinishReason>,
    /// Whether a choice ends with the bare word `error`, whatever its native reason says: what came before it broke off.
    pub broken_off: bool,
    /// Whether a choice holds an `error`.
    pub error: bool,
    /// Whether a choice holds a `usage`.
    pub usage: bool,
    /// Whether a choice has its `message` as an object.
    pub message: bool,
    /// Whether a choice holds a delta as an object.
    delta: bool,
    /// Whether there is content in a message, as whole answers have it.
    pub in_message: bool,
    /// Whether there is content in a delta, as chunks have it.
    pub in_delta: bool,
    /// Whether there is a call without a name, such as a piece of its arguments.
    pub nameless: bool,
    /// The choices that occur, by index.
    pub begun: Indices,
    /// The choices that have ended.
    pub over: Indices,
    /// The size of the content, for token estimates, if it was measured.
    pub size: TextSize,
    /// Whether there is something that no token price covers: images, or the sources of a search.
    pub extras: bool,
}

/// Choices that are read without the size of their content.
pub struct Unmeasured(pub Choices);

/// What the choices are worth to a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// There is content, or a choice that ended normally.
    Usable,
    /// There is neither content nor an end.
    Nothing,
    /// There is no content, and the end says why.
    Bad(FinishReason),
    /// There is an error in place of content.
    Error,
}

impl Choices {
    /// Judges the choices alone. [`ChoicesSoFar`] judges them with those before them.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.content || self.complete {
            return Verdict::Usable;
        }
        match self.bad {
            _ if self.error => Verdict::Error,
            Some(ending) => Verdict::Bad(ending),
            None => Verdict::Nothing,
        }
    }

    /// Whether there is one choice, without an end or an error, and with this text as its only content. `json` is a
    /// measured string.
    #[must_use]
    pub fn is_only(&self, json: &str) -> bool {
        let ended = self.finished || self.error || self.over != Indices::default();
        json.len() > 2
            && json.starts_with('"')
            && self.begun.count() == 1
            && !ended
            && self.size == TextSize::of_piece(json)
    }

    fn add(&mut self, other: Self) {
        self.any = true;
        self.content |= other.content;
        self.finished |= other.finished;
        self.complete |= other.complete;
        self.bad = self.bad.or(other.bad);
        self.broken_off |= other.broken_off;
        self.error |= other.error;
        self.usage |= other.usage;
        self.message |= other.message;
        self.delta |= other.delta;
        self.in_message |= other.in_message;
        self.in_delta |= other.in_delta;
        self.nameless |= other.nameless;
        self.size = self.size.then(other.size);
        self.extras |= other.extras;
    }

    /// Counts a value as content unless it is empty.
    fn said<const MEASURED: bool>(&mut self, text: &str) {
        if matches!(text, "null" | "\"\"" | "[]" | "{}" | "false" | "[null]" | "[{}]") {
            return;
        }
        self.content = true;
        if MEASURED {
            let size = TextSize::of_json(text);
            self.size = self.size.then(size);
        }
    }

    /// Counts another field of a message as content, unless it is an object or list of blanks, as some vendors send
    /// them. What it holds need not be the model's text.
    fn said_unless_blank<const MEASURED: bool>(&mut self, text: &str) {
        let blank = text.len() < SMALL && text.starts_with(['{', '[']) && is_blank(text);
        if !blank {
            let mut other = Self::default();
            other.said::<MEASURED>(text);
            self.content |= other.content;
            self.size = self.size.then(other.size.doubtful());
        }
    }

    /// Adds a `message` or `delta` that is an object.
    fn add_parts(&mut self, mut parts: Self, message: bool) {
        (parts.message, parts.delta) = (message, !message);
        (parts.in_message, parts.in_delta) = (message && parts.content, !message && parts.content);
        self.add(parts);
    }

    /// Counts a call as content if it has a name. Without one, it may continue a call.
    fn called<const MEASURED: bool>(&mut self, called: Called, text: &str) {
        match called {
            Called::Nothing => {}
            Called::Nameless => {
                self.nameless = true;
                if MEASURED {
                    self.size = self.size.then(TextSize::of_json(text));
                }
            }
            Called::Named => self.said::<MEASURED>(text),
        }
    }

    /// Adds a field of a `delta` or `message`.
    fn part<const MEASURED: bool>(&mut self, name: &[u8], value: &str) {
        self.extras |= has_extras(name, value);
        match name {
            b"content" if value.starts_with('"') || is_parts(value) => self.said::<MEASURED>(value),
            b"reasoning_content" | b"reasoning" | b"refusal" if value.starts_with('"') => {
                self.said::<MEASURED>(value);
            }
            b"content" => {}
            b"tool_calls" => self.called::<MEASURED>(calls::of_list(value), value),
            b"function_call" => self.called::<MEASURED>(calls::of_function(value), value),
            b"usage" => self.usage |= value != "null",
            // They name the speaker or the message and are not content.
            b"role" | b"name" | b"id" | b"object" | b"type" | b"model" | b"created" | b"created_at"
            | b"phase" | b"obfuscation" => {}
            _ => self.said_unless_blank::<MEASURED>(value),
        }
    }

    /// Ends a choice that was read, with its `finish_reason`.
    fn closed(mut self, reason: Option<&str>, native: Option<&str>) -> Self {
        if self.error {
            // Content before the error does not count.
            return Self { any: true, error: true, message: self.message, ..Self::default() };
        }
        if let Some(reason) = reason {
            self.ended(reason, native);
        }
        self.size.pieces = u64::from(self.content || self.nameless);
        self
    }

    /// Adds a choice to the list of choices. `position` is its index if it has none.
    fn choice(&mut self, choice: Self, index: Option<usize>, position: usize) {
        let index = Indices::of(index.unwrap_or(position));
        self.begun.add(index);
        if choice.finished || choice.error {
            self.over.add(index);
        }
        self.add(choice);
    }

    fn ended(&mut self, reason: &str, native: Option<&str>) {
        let Some(ending) = finish(reason) else { return };
        self.finished = true;
        if ending.finish == FinishMeaning::Error {
            self.broken_off = true;
            // What came before it broke off, as with an error in place of the choice.
            (self.content, self.in_message, self.in_delta) = (false, false, false);
        }
        if self.content {
            return;
        }
        let ending = native.map_or(ending, |native| with_native(ending, native));
        if ending.finish != FinishMeaning::Complete {
            self.bad = Some(ending);
        } else if self.nameless {
            self.bad = finish("tool_calls");
        } else {
            self.complete = self.message || self.delta;
        }
    }
}

impl<'de> Deserialize<'de> for Choices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(List::<true>)
    }
}

impl<'de> Deserialize<'de> for Unmeasured {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(List::<false>).map(Self)
    }
}

struct List<const MEASURED: bool>;

impl<'de, const MEASURED: bool> Visitor<'de> for List<MEASURED> {
    type Value = Choices;

    scalars_are!(Choices, Choices::default());

    fn visit_str<E: Error>(self, _: &str) -> Result<Choices, E> {
        Ok(Choices::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Choices, A::Error> {
        skip_object(object)?;
        Ok(Choices::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Choices, A::Error> {
        let mut seen = Choices::default();
        let mut position = 0;
        while let Some(One(choice)) = list.next_element::<One<MEASURED>>()? {
            match choice {
                Some((choice, index)) => seen.choice(choice, index, position),
                None => seen.any = true,
            }
            position += 1;
        }
        Ok(seen)
    }
}

/// One choice and its index; `None` for anything but an object.
struct One<const MEASURED: bool>(Option<(Choices, Option<usize>)>);

impl<'de, const MEASURED: bool> Deserialize<'de> for One<MEASURED> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ChoiceVisitor::<MEASURED>)
    }
}

struct ChoiceVisitor<const MEASURED: bool>;

impl<'de, const MEASURED: bool> Visitor<'de> for ChoiceVisitor<MEASURED> {
    type Value = One<MEASURED>;

    scalars_are!(One<MEASURED>, One(None));

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(One(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        skip_list(list)?;
        Ok(One(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut choice: A) -> Result<Self::Value, A::Error> {
        let mut seen = Choices::default();
        let mut index = None;
        let (mut reason, mut native) = (Reason(None), Reason(None));
        while let Some(Key(name)) = choice.next_key()? {
            match &*name {
                "delta" | "message" => {
                    if let Some(parts) = choice.next_value::<Parts<MEASURED>>()?.0 {
                        seen.add_parts(parts, name == "message");
                    }
                }
                "index" => index = choice.next_value::<Index>()?.0,
                "finish_reason" => reason = choice.next_value()?,
                "native_finish_reason" => native = choice.next_value()?,
                "error" => seen.error |= !is_empty_error(choice.next_value::<&RawValue>()?.get()),
                "usage" => seen.usage |= choice.next_value::<&RawValue>()?.get() != "null",
                name => {
                    seen.extras |= shows_search(name.as_bytes(), choice.next_value::<&RawValue>()?.get());
                }
            }
        }
        Ok(One(Some((seen.closed(reason.0.as_deref(), native.0.as_deref()), index))))
    }
}

/// A `delta` or `message`; `None` for anything but an object.
struct Parts<const MEASURED: bool>(Option<Choices>);

impl<'de, const MEASURED: bool> Deserialize<'de> for Parts<MEASURED> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PartsVisitor::<MEASURED>)
    }
}

struct PartsVisitor<const MEASURED: bool>;

impl<'de, const MEASURED: bool> Visitor<'de> for PartsVisitor<MEASURED> {
    type Value = Parts<MEASURED>;

    scalars_are!(Parts<MEASURED>, Parts(None));

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Parts(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        skip_list(list)?;
        Ok(Parts(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let mut seen = Choices::default();
        while let Some(Key(name)) = parts.next_key()? {
            let value: &RawValue = parts.next_value()?;
            seen.part::<MEASURED>(name.as_bytes(), value.get());
        }
        Ok(Parts(Some(seen)))
    }
}

#[cfg(test)]
mod tests;
