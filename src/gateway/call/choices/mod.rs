//! What the choices of an answer or chunk say, read in one pass and without keeping any of it.
//!
//! Whatever is not understood counts as content: a caller may understand it.

mod scalars;

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use scalars::{Index, Reason, scalars_are_foreign, skip_list, skip_object};

use crate::gateway::request::json_object::text;
use crate::gateway::usage::text_size::TextSize;
use crate::providers::finish_reasons::{finish, with_native};
use crate::providers::{FinishMeaning, FinishReason, is_empty_error};

/// What is longer than this is never blank inside.
const SMALL: usize = 256;

/// What the choices of an answer or chunk say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Choices {
    /// There is at least one, or there is something in their place that we do not understand.
    pub any: bool,
    /// Something that a caller would show or act on; or something that we do not understand.
    pub content: bool,
    /// A `finish_reason`.
    pub finished: bool,
    /// A choice came to an end of its own, if to an empty one.
    complete: bool,
    /// The first end without content that is none of the model's own.
    pub bad: Option<FinishReason>,
    /// A choice holds an `error`.
    pub error: bool,
    /// Which choices are spoken of, by their index.
    pub begun: Indices,
    /// Which of them have come to an end.
    pub over: Indices,
    /// How much of it there is, for estimates.
    pub size: TextSize,
}

/// What a caller can do with choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Show it or act on it; or it has come to an end of its own.
    Usable,
    /// Nothing: there is neither content nor an end.
    Nothing,
    /// Nothing, and the end says why.
    Bad(FinishReason),
    /// Nothing, and there is an error in the place of content.
    Error,
}

/// A set of choices by their indices. The protocol allows 128; what is beyond counts as the last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Indices(u128);

impl Indices {
    fn of(index: usize) -> Self {
        Self(1 << index.min(127))
    }

    /// Takes in those of another set.
    pub fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// How many there are.
    #[must_use]
    pub fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether there are any, and all of `others` are among them.
    #[must_use]
    pub fn hold(self, others: Self) -> bool {
        self.0 != 0 && others.0 & !self.0 == 0
    }
}

impl Choices {
    /// Something in the place of choices, or of one, that is none.
    fn foreign() -> Self {
        Self { any: true, content: true, ..Self::default() }
    }

    /// The one judgment of whether there is something that a caller can use, of whole answers and of chunks.
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

    fn add(&mut self, other: Self) {
        self.any = true;
        self.content |= other.content;
        self.finished |= other.finished;
        self.complete |= other.complete;
        self.bad = self.bad.or(other.bad);
        self.error |= other.error;
        self.size = self.size.then(other.size);
    }

    /// Content that is not blank.
    fn said(&mut self, value: &RawValue) {
        let text = value.get();
        if matches!(text, "null" | "\"\"" | "[]" | "{}" | "false") {
            return;
        }
        self.content = true;
        let size = TextSize::of_value(value);
        self.size = self.size.then(size);
    }

    /// A member of a message that is neither its text nor a call: vendors send some of them with nothing inside.
    fn perhaps_said(&mut self, value: &RawValue) {
        let text = value.get();
        let blank = text.len() < SMALL && text.starts_with(['{', '[']) && is_blank(text);
        if !blank {
            self.said(value);
        }
    }

    fn ended(&mut self, reason: &str, native: Option<&str>) {
        let Some(ending) = finish(reason) else { return };
        self.finished = true;
        if self.content {
            return;
        }
        let ending = native.map_or(ending, |native| with_native(ending, native));
        if ending.finish == FinishMeaning::Complete {
            self.complete = true;
        } else {
            self.bad = Some(ending);
        }
    }
}

impl<'de> Deserialize<'de> for Choices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(List)
    }
}

struct List;

impl<'de> Visitor<'de> for List {
    type Value = Choices;

    scalars_are_foreign!(Choices, Choices::default(), Choices::foreign());

    fn visit_str<E: Error>(self, _: &str) -> Result<Choices, E> {
        Ok(Choices::foreign())
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Choices, A::Error> {
        skip_object(object)?;
        Ok(Choices::foreign())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Choices, A::Error> {
        let mut seen = Choices::default();
        let mut position = 0;
        while let Some(One { choice, index }) = list.next_element()? {
            let index = Indices::of(index.unwrap_or(position));
            seen.begun.add(index);
            if choice.finished || choice.error {
                seen.over.add(index);
            }
            seen.add(choice);
            position += 1;
        }
        Ok(seen)
    }
}

/// One choice.
#[derive(Default)]
struct One {
    choice: Choices,
    index: Option<usize>,
}

impl One {
    fn foreign() -> Self {
        Self { choice: Choices::foreign(), index: None }
    }
}

impl<'de> Deserialize<'de> for One {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ChoiceVisitor)
    }
}

struct ChoiceVisitor;

impl<'de> Visitor<'de> for ChoiceVisitor {
    type Value = One;

    scalars_are_foreign!(One, One::default(), One::foreign());

    fn visit_str<E: Error>(self, _: &str) -> Result<One, E> {
        Ok(One::foreign())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<One, A::Error> {
        skip_list(list)?;
        Ok(One::foreign())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut choice: A) -> Result<One, A::Error> {
        let mut seen = Choices::default();
        let mut index = None;
        let (mut reason, mut native) = (Reason(None), Reason(None));
        while let Some(Key(name)) = choice.next_key()? {
            match &*name {
                "delta" | "message" => seen.add(choice.next_value::<Parts>()?.0),
                "index" => index = choice.next_value::<Index>()?.0,
                "finish_reason" => reason = choice.next_value()?,
                "text" => seen.said(choice.next_value()?),
                "native_finish_reason" => native = choice.next_value()?,
                "error" => seen.error |= !is_empty_error(choice.next_value::<&RawValue>()?.get()),
                _ => {
                    choice.next_value::<IgnoredAny>()?;
                }
            }
        }
        if seen.error {
            // What came before the error is no answer.
            return Ok(One { choice: Choices { any: true, error: true, ..Choices::default() }, index });
        }
        if let Some(reason) = reason.0 {
            seen.ended(&reason, native.0.as_deref());
        }
        seen.size.pieces = u64::from(seen.content);
        Ok(One { choice: seen, index })
    }
}

/// Whether there is nothing in an object or list but nulls and blanks.
fn is_blank(text: &str) -> bool {
    fn blank(value: &Value) -> bool {
        match value {
            Value::Null | Value::Bool(false) => true,
            Value::Bool(true) | Value::Number(_) => false,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.iter().all(blank),
            Value::Object(members) => members.values().all(blank),
        }
    }
    serde_json::from_str(text).is_ok_and(|value| blank(&value))
}

/// A `delta` or `message`.
struct Parts(Choices);

impl<'de> Deserialize<'de> for Parts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PartsVisitor).map(Parts)
    }
}

struct PartsVisitor;

impl<'de> Visitor<'de> for PartsVisitor {
    type Value = Choices;

    scalars_are_foreign!(Choices, Choices::default(), Choices::foreign());

    fn visit_str<E: Error>(self, _: &str) -> Result<Choices, E> {
        Ok(Choices::foreign())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Choices, A::Error> {
        skip_list(list)?;
        Ok(Choices::foreign())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut parts: A) -> Result<Choices, A::Error> {
        let mut seen = Choices::default();
        while let Some(Key(name)) = parts.next_key()? {
            let value: &RawValue = parts.next_value()?;
            match &*name {
                "content" | "tool_calls" => seen.said(value),
                // Who speaks, and not what is said.
                "role" | "name" => {}
                _ => seen.perhaps_said(value),
            }
        }
        Ok(seen)
    }
}

/// The name of a member, borrowed where it holds no escapes.
pub(in crate::gateway) struct Key<'a>(pub(in crate::gateway) Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer).map(Key)
    }
}

#[cfg(test)]
mod tests;
