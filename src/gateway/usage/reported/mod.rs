//! Parses a provider's `usage` leniently: nothing in it is an error.
//!
//! Vendors have many names for the same counts; [`parts`](super::parts) turns them into disjoint parts.

mod bill;
pub(crate) mod number;
pub(crate) mod of_choices;
pub(crate) mod parts;
mod side;
mod vendors;

use std::fmt;

pub use vendors::{counts_extras, of_converse};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::dialects::bounded_object::Key;
use crate::gateway::request::json_object::RawObject;
use crate::gateway::request::json_scan::Cursor;
use crate::gateway::usage::pricing::{Flag, Tier, Usage};
use crate::gateway::usage::reported::bill::Bill;
use crate::gateway::usage::reported::number::{Number, tokens};
use crate::gateway::usage::reported::parts::Counts;
use crate::gateway::usage::reported::side::Side;
use crate::gateway::usage::reported::vendors::Steps;

/// A provider's `usage`. Each count is from 0 to [`MOST_TOKENS`](crate::domain::amount::MOST_TOKENS).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reported {
    /// Whether it is there and not null.
    pub present: bool,
    /// Prompt tokens, cached ones included.
    pub input: Option<i64>,
    /// Answer tokens, reasoning included.
    pub output: Option<i64>,
    /// Both together, where one of the two is missing.
    pub(crate) total: Option<i64>,
    pub(crate) cached: i64,
    pub(crate) cache_write: i64,
    pub(crate) cache_write_1h: i64,
    pub(crate) reasoning: i64,
    pub(crate) audio_input: i64,
    pub(crate) audio_output: i64,
    /// Whether it says for how long what was written to the cache is kept.
    pub(crate) writes_by_time: bool,
    /// Whether something was used that token prices do not cover, such as images or searches.
    pub(crate) extras: bool,
    /// Whether it counts the searches and tools of the provider, even none.
    pub(crate) counts_tools: bool,
    /// The cost that the provider reported, in nano-dollars.
    pub(crate) billed: Option<i64>,
    /// The service tier of the answer, if it is reported.
    pub tier: Option<Tier>,
    /// What is wrong with it.
    pub flag: Option<Flag>,
}

/// What a usage counts next to the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// More of the answer, or a higher cost.
    Grown,
    /// As much of the answer, or less.
    Same,
    /// Nothing of the answer.
    None,
}

impl Reported {
    pub(crate) fn details(&self) -> Usage {
        Usage {
            cached: self.cached,
            cache_write: self.cache_write,
            cache_write_1h: self.cache_write_1h,
            reasoning: self.reasoning,
            audio_input: self.audio_input,
            audio_output: self.audio_output,
            extras: self.extras,
            billed: self.billed,
            tier: self.tier,
            flag: self.flag,
            ..Usage::default()
        }
    }

    /// Whether it counts both prompt and answer and nothing is wrong with it.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let counted = |count: Option<i64>| count.is_some_and(|count| count > 0);
        self.flag.is_none() && counted(self.input) && counted(self.output)
    }

    /// Whether it counts the prompt and nothing is wrong with it.
    #[must_use]
    pub fn counts_prompt(&self) -> bool {
        self.flag.is_none() && self.input.is_some_and(|count| count > 0)
    }

    /// What it counts of the answer, or its cost, next to an earlier usage of the same stream.
    #[must_use]
    pub fn progress(&self, earlier: &Self) -> Progress {
        let more = |later: Option<i64>, earlier: Option<i64>| later.unwrap_or(0) > earlier.unwrap_or(0);
        if more(self.output, earlier.output) || more(self.billed, earlier.billed) {
            Progress::Grown
        } else if self.output.is_some_and(|count| count > 0) {
            Progress::Same
        } else {
            Progress::None
        }
    }

    /// Combines two usages of one answer or stream. Growing counts are normal in streams; a shrinking count is
    /// flagged, and the larger one is kept.
    #[must_use]
    pub fn followed_by(self, later: Self) -> Self {
        if !later.present {
            return Self { tier: later.tier.or(self.tier), ..self };
        }
        let shrunk =
            |before: Option<i64>, after: Option<i64>| before.zip(after).is_some_and(|(one, two)| two < one);
        let back = shrunk(self.input, later.input) || shrunk(self.output, later.output);
        let flag = self.flag.max(later.flag).max(back.then_some(Flag::Contradictory));
        let (input, output) = (self.input.max(later.input), self.output.max(later.output));
        let unusable = input.is_none() && output.is_none();
        Self {
            present: true,
            input,
            output,
            total: self.total.max(later.total),
            cached: self.cached.max(later.cached),
            cache_write: self.cache_write.max(later.cache_write),
            cache_write_1h: self.cache_write_1h.max(later.cache_write_1h),
            reasoning: self.reasoning.max(later.reasoning),
            audio_input: self.audio_input.max(later.audio_input),
            audio_output: self.audio_output.max(later.audio_output),
            writes_by_time: self.writes_by_time || later.writes_by_time,
            extras: self.extras || later.extras,
            counts_tools: self.counts_tools || later.counts_tools,
            billed: later.billed.or(self.billed),
            tier: later.tier.or(self.tier),
            // A later usage without counts does not invalidate an earlier one.
            flag: flag.filter(|flag| unusable || *flag != Flag::Unusable),
        }
    }

    /// Flags a usage that names another model than the answer.
    #[must_use]
    pub fn of_another_model(self) -> Self {
        Self { flag: self.flag.max(Some(Flag::Contradictory)), ..self }
    }
}

impl<'de> Deserialize<'de> for Reported {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(parse(<&RawValue>::deserialize(deserializer)?.get()))
    }
}

/// Parses a provider's `usage`.
#[must_use]
pub fn parse(raw: &str) -> Reported {
    if raw == "null" {
        return Reported::default();
    }
    let mut reading = Reading::default();
    let understood = read(raw, |name, raw| reading.member(name.as_bytes(), raw));
    reading.reported(understood)
}

/// Reads a usage by scanning it once. `None` if it is anything but an ordinary object.
pub fn scan(text: &mut Cursor<'_>) -> Option<Reported> {
    let mut reading = Reading::default();
    text.object(|text, name| {
        match Side::of_details(name) {
            Some(side) if text.is_at_object() => text.object(|text, name| {
                reading.detail(side, name, text.value()?.get());
                Some(())
            })?,
            Some(_) | None => reading.member(name, text.value()?.get()),
        }
        Some(())
    })?;
    Some(reading.reported(true))
}

/// Parses a usage inside another object, such as Groq's `x_groq`.
#[must_use]
pub fn parse_inside(raw: &str) -> Reported {
    let mut found = Reported::default();
    read(raw, |name, raw| {
        if matches!(name, "usage" | "usageMetadata" | "usage_metadata") {
            found = parse(raw);
        }
    });
    found
}

/// The fields found so far.
#[derive(Debug, Default)]
struct Reading {
    counts: Counts,
    bill: Bill,
    tier: Option<Tier>,
    /// Whether a number was negative or implausible.
    out_of_range: bool,
    flag: Option<Flag>,
    steps: Steps,
}

impl Reading {
    /// `understood` says that it was an object.
    fn reported(self, understood: bool) -> Reported {
        let Self { counts, bill, tier, out_of_range, flag, steps } = self;
        let billed = bill.nano_dollars();
        if !understood || counts.is_empty() {
            let flag = Some(if out_of_range { Flag::Clamped } else { Flag::Unusable });
            return Reported {
                present: true,
                total: counts.total,
                extras: counts.extras,
                counts_tools: counts.counts_tools,
                billed,
                tier,
                flag,
                ..Reported::default()
            };
        }
        let parts = counts.parted();
        steps.within(Reported { present: true, billed, tier, flag: parts.flag.max(flag), ..parts })
    }

    fn member(&mut self, name: &[u8], raw: &str) {
        if let Some(side) = Side::of_details(name) {
            return self.details(side, raw);
        }
        match name {
            b"prompt_tokens" => {
                self.counts.names.chat = true;
                self.take(|counts| &mut counts.input, raw);
            }
            b"input_tokens" | b"inputTokens" => {
                self.counts.names.messages = true;
                self.take(|counts| &mut counts.input, raw);
            }
            b"completion_tokens" | b"output_tokens" | b"outputTokens" => {
                self.take(|counts| &mut counts.output, raw);
            }
            b"total_tokens" | b"totalTokens" => self.take(|counts| &mut counts.total, raw),
            b"cost" | b"estimated_cost" | b"cost_in_usd_ticks" | b"is_byok" | b"cost_details" => {
                self.bill.read(name, raw);
            }
            b"service_tier" | b"serviceTier" | b"speed" | b"inference_geo" => self.priced_by(name, raw),
            b"iterations" => self.iterations(raw),
            b"server_tool_use"
            | b"server_side_tool_usage"
            | b"server_side_tool_usage_details"
            | b"num_server_side_tools_used"
            | b"num_search_queries" => {
                self.counts.counts_tools |= raw.contains(|digit: char| digit.is_ascii_digit());
                self.extras(raw, 0);
            }
            b"prompt_audio_seconds" | b"num_sources_used" => self.extra(raw),
            detail => {
                if self.of_gemini(detail, raw) {
                    return;
                }
                self.counts.names.cache |= matches!(
                    detail,
                    b"cache_read_input_tokens"
                        | b"cache_creation_input_tokens"
                        | b"cacheReadInputTokens"
                        | b"cacheWriteInputTokens"
                );
                self.detail(Side::Whole, detail, raw);
            }
        }
    }

    fn detail(&mut self, side: Side, name: &[u8], raw: &str) {
        match (name, side) {
            (
                b"cached_tokens"
                | b"cache_read_input_tokens"
                | b"num_cached_tokens"
                | b"prompt_cache_hit_tokens"
                | b"cacheReadInputTokens"
                | b"cache_read_tokens",
                _,
            ) => {
                self.take(|counts| &mut counts.cached, raw);
            }
            (
                b"cache_write_tokens"
                | b"cache_creation_tokens"
                | b"cache_creation_input_tokens"
                | b"cacheWriteInputTokens",
                _,
            ) => {
                self.take(|counts| &mut counts.cache_write, raw);
            }
            (b"cache_creation" | b"cache_creation_token_details", _) => self.cache_creation(side, raw),
            (b"cacheDetails", _) => self.cache_details(raw),
            (b"reasoning_tokens" | b"thinking_tokens", _) => self.take(|counts| &mut counts.reasoning, raw),
            (b"audio_tokens", Side::Prompt) => self.take(|counts| &mut counts.audio_input, raw),
            (b"audio_tokens", Side::Answer) => self.take(|counts| &mut counts.audio_output, raw),
            // Generated images have their own prices.
            (b"image_tokens" | b"video_tokens", Side::Answer) => self.extra(raw),
            (_, _) => self.unknown(name, raw, 0),
        }
    }

    /// Reads a details object. It does not recurse further.
    fn details(&mut self, side: Side, raw: &str) {
        if raw != "null" && !read(raw, |name, raw| self.detail(side, name.as_bytes(), raw)) {
            self.odd(Flag::Clamped);
        }
    }

    /// Takes a count and flags problems. Null counts as absent; of a count that occurs twice, under any name, the
    /// larger is kept.
    fn take(&mut self, which: fn(&mut Counts) -> &mut Option<i64>, raw: &str) {
        if raw == "null" {
            return;
        }
        let count = match tokens(raw) {
            Number::Whole(count) => Some(count),
            Number::Near(count) => {
                self.odd(Flag::Clamped);
                Some(count)
            }
            Number::OutOfRange => {
                self.out_of_range = true;
                self.odd(Flag::Clamped);
                None
            }
            Number::None => {
                self.odd(Flag::Clamped);
                None
            }
        };
        let known = which(&mut self.counts);
        // Some vendors also send the names of another dialect with zeros.
        let twice = known.zip(count).is_some_and(|(one, two)| one != two && one != 0 && two != 0);
        *known = (*known).max(count);
        if twice {
            self.odd(Flag::Contradictory);
        }
    }

    fn odd(&mut self, flag: Flag) {
        self.flag = self.flag.max(Some(flag));
    }
}

/// Calls `each` for every field of an object. Returns false if it is not an object.
fn read(raw: &str, mut each: impl FnMut(&str, &str)) -> bool {
    if let Some(object) = RawObject::scan(raw.as_bytes()) {
        object.0.iter().for_each(|member| each(&member.name, member.value.get()));
        return true;
    }
    serde_json::Deserializer::from_str(raw).deserialize_map(Object(each)).is_ok()
}

struct Object<F>(F);

impl<'de, F: FnMut(&str, &str)> Visitor<'de> for Object<F> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of counts")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut object: A) -> Result<(), A::Error> {
        while let Some(Key(name)) = object.next_key()? {
            (self.0)(&name, object.next_value::<&RawValue>()?.get());
        }
        Ok(())
    }
}
