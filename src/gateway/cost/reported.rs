//! What a provider says of its tokens, read from whatever stands in its `usage`. Nothing in there is an error.
//!
//! Imports [`cost`](super)'s words and [`choices`](crate::gateway::choices) for names.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Flag, Usage};
use crate::gateway::choices::Key;
use crate::store::amount::MOST_TOKENS;

/// A provider's `usage`, whatever it holds. Each count is from 0 to [`MOST_TOKENS`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reported {
    /// It is there, and not null.
    pub present: bool,
    /// Prompt tokens.
    pub input: Option<i64>,
    /// Answer tokens.
    pub output: Option<i64>,
    cached: i64,
    cache_write: i64,
    reasoning: i64,
    /// What is odd about it.
    pub flag: Option<Flag>,
}

impl Reported {
    pub(super) fn details(&self) -> Usage {
        Usage {
            cached: self.cached,
            cache_write: self.cache_write,
            reasoning: self.reasoning,
            flag: self.flag,
            ..Usage::default()
        }
    }

    /// Whether it counts both sides, and nothing is odd about it.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.flag.is_none() && self.input.is_some() && self.output.is_some()
    }

    /// Of two in one answer or stream, a later one that says something. Streams may count as they go, so growing is
    /// no contradiction; going back is.
    #[must_use]
    pub fn followed_by(self, later: Self) -> Self {
        if !later.present {
            return self;
        }
        let shrunk =
            |before: Option<i64>, after: Option<i64>| before.zip(after).is_some_and(|(one, two)| two < one);
        let back = shrunk(self.input, later.input) || shrunk(self.output, later.output);
        let flag = self.flag.max(later.flag).max(back.then_some(Flag::Contradictory));
        // A later one without any count does not take back an earlier one with some.
        let counts = |one: &Self| one.input.is_some() || one.output.is_some();
        let base = if counts(&later) || !counts(&self) { later } else { self };
        let unusable = !counts(&base);
        Self { flag: flag.filter(|flag| unusable || *flag != Flag::Unusable), ..base }
    }

    /// The chunk or answer names another model than the answer before it did.
    #[must_use]
    pub fn of_another_model(self) -> Self {
        Self { flag: self.flag.max(Some(Flag::Contradictory)), ..self }
    }
}

impl<'de> Deserialize<'de> for Reported {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(parse(<&RawValue>::deserialize(deserializer)?))
    }
}

/// Reads a `usage`.
#[must_use]
pub fn parse(raw: &RawValue) -> Reported {
    if raw.get() == "null" {
        return Reported::default();
    }
    let unusable = Reported { present: true, flag: Some(Flag::Unusable), ..Reported::default() };
    let mut counts = Counts::default();
    let understood = read(raw, |name, raw| counts.member(name, raw));
    if !understood || counts.input.is_none() && counts.output.is_none() {
        return unusable;
    }
    counts.reported()
}

/// The counts as they were named; of a name that stands there twice, the last.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    input: Option<i64>,
    output: Option<i64>,
    total: Option<i64>,
    cached: Option<i64>,
    cache_write: Option<i64>,
    reasoning: Option<i64>,
    flag: Option<Flag>,
}

impl Counts {
    fn reported(self) -> Reported {
        let reasoning = self.reasoning.unwrap_or(0);
        let mut output = self.output;
        let mut flag = self.flag;
        if let (Some(input), Some(said), Some(total)) = (self.input, self.output, self.total)
            && total != input.saturating_add(said)
        {
            // Some vendors leave the reasoning out of the answer's tokens, and bill it.
            if total == input.saturating_add(said).saturating_add(reasoning) {
                output = Some(said.saturating_add(reasoning).min(MOST_TOKENS));
            } else {
                flag = flag.max(Some(Flag::Contradictory));
            }
        }
        Reported {
            present: true,
            input: self.input,
            output,
            cached: self.cached.unwrap_or(0),
            cache_write: self.cache_write.unwrap_or(0),
            reasoning,
            flag,
        }
    }

    /// Takes a count, and notes what is odd about it. A null is as good as nothing.
    fn take(&mut self, which: fn(&mut Self) -> &mut Option<i64>, raw: &RawValue) {
        if raw.get() == "null" {
            return;
        }
        let (count, odd) = tokens(raw.get());
        let twice = which(self).is_some_and(|known| count.is_some_and(|count| count != known));
        let flag = self.flag.max(odd.then_some(Flag::Clamped)).max(twice.then_some(Flag::Contradictory));
        self.flag = flag;
        if count.is_some() {
            *which(self) = count;
        }
    }

    fn member(&mut self, name: &str, raw: &RawValue) {
        match name {
            "prompt_tokens" | "input_tokens" => self.take(|counts| &mut counts.input, raw),
            "completion_tokens" | "output_tokens" => self.take(|counts| &mut counts.output, raw),
            "total_tokens" => self.take(|counts| &mut counts.total, raw),
            "prompt_tokens_details"
            | "input_tokens_details"
            | "completion_tokens_details"
            | "output_tokens_details" => self.details(raw),
            detail => self.detail(detail, raw),
        }
    }

    fn detail(&mut self, name: &str, raw: &RawValue) {
        match name {
            "cached_tokens" | "cache_read_input_tokens" | "prompt_cache_hit_tokens" => {
                self.take(|counts| &mut counts.cached, raw);
            }
            "cache_write_tokens" | "cache_creation_tokens" | "cache_creation_input_tokens" => {
                self.take(|counts| &mut counts.cache_write, raw);
            }
            "reasoning_tokens" => self.take(|counts| &mut counts.reasoning, raw),
            _ => {}
        }
    }

    /// Details have no details of their own: nothing here goes deeper, whatever is nested in it.
    fn details(&mut self, raw: &RawValue) {
        if raw.get() != "null" && !read(raw, |name, raw| self.detail(name, raw)) {
            self.flag = self.flag.max(Some(Flag::Clamped));
        }
    }
}

/// Hands out the members of an object. False: it is none.
fn read(raw: &RawValue, each: impl FnMut(&str, &RawValue)) -> bool {
    serde_json::Deserializer::from_str(raw.get()).deserialize_map(Object(each)).is_ok()
}

struct Object<F>(F);

impl<'de, F: FnMut(&str, &RawValue)> Visitor<'de> for Object<F> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of counts")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut object: A) -> Result<(), A::Error> {
        while let Some(Key(name)) = object.next_key()? {
            (self.0)(&name, object.next_value()?);
        }
        Ok(())
    }
}

/// A count as vendors write it, from 0 to [`MOST_TOKENS`], and whether it had to be read as something else than what
/// stood there. None: it is nothing that could be a number.
fn tokens(text: &str) -> (Option<i64>, bool) {
    let (text, quoted) = match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inside) => (inside.trim(), true),
        None => (text, false),
    };
    if let Ok(whole) = text.parse::<i64>() {
        let believed = whole.clamp(0, MOST_TOKENS);
        return (Some(believed), quoted || believed != whole);
    }
    // Only what begins like a number: `inf` and `NaN` are words.
    let begins = text.trim_start_matches('-').starts_with(|first: char| first.is_ascii_digit());
    let number = if begins { text.parse::<f64>().ok() } else { None };
    #[expect(clippy::cast_possible_truncation, reason = "clamped to a range that fits")]
    #[expect(clippy::cast_precision_loss, reason = "the bound is far below 2^52")]
    let believed = number.map(|number| number.clamp(0.0, MOST_TOKENS as f64) as i64);
    // Some vendors write whole numbers as 12.0.
    #[expect(clippy::cast_precision_loss, reason = "the bound is far below 2^52")]
    let same = believed
        .zip(number)
        .is_some_and(|(believed, number)| (believed as f64 - number).abs() < f64::EPSILON);
    (believed, quoted || !same)
}
