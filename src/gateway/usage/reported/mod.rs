//! Parses a provider's `usage` leniently: nothing in it is an error.
//!
//! Vendors have many names for the same counts; [`parts`](super::parts) turns them into disjoint parts.

pub(crate) mod number;
pub(crate) mod of_choices;
pub(crate) mod parts;
mod vendors;
use std::fmt;

pub use vendors::counts_extras;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::gateway::request::json_object::{Key, RawObject};
use crate::gateway::request::json_scan::Cursor;
use crate::gateway::usage::pricing::{Flag, Tier, Usage};
use crate::gateway::usage::reported::number::{Number, dollars, ticks, tokens};
use crate::gateway::usage::reported::parts::Counts;

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
    /// Whether something was used that token prices do not cover, such as images or searches.
    pub(crate) extras: bool,
    /// The cost that the provider reported, in nano-dollars.
    pub(crate) billed: Option<i64>,
    /// The service tier of the answer, if it is reported.
    pub tier: Option<Tier>,
    /// What is wrong with it.
    pub flag: Option<Flag>,
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
            extras: self.extras || later.extras,
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
}

/// What a provider says that it bills, in nano-dollars.
#[derive(Debug, Default)]
struct Bill {
    cost: Option<i64>,
    /// The cost that the vendor behind a router bills.
    upstream: Option<i64>,
    /// Whether the caller pays the vendor directly.
    own_account: Option<bool>,
}

impl Bill {
    fn nano_dollars(&self) -> Option<i64> {
        let cost = self.cost?;
        // In that case the router bills its fee and the vendor the answer.
        let own = self.own_account.unwrap_or(self.upstream.is_some_and(|upstream| upstream > cost));
        Some(if own { cost.saturating_add(self.upstream.unwrap_or(0)) } else { cost })
    }
}

/// What the details of an object are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Prompt,
    Answer,
    Whole,
}

impl Side {
    /// The side of an object of details.
    fn of_details(name: &[u8]) -> Option<Self> {
        match name {
            b"prompt_tokens_details" | b"input_tokens_details" | b"prompt_token_details" => {
                Some(Self::Prompt)
            }
            b"completion_tokens_details" | b"output_tokens_details" | b"completion_token_details" => {
                Some(Self::Answer)
            }
            _ => None,
        }
    }
}

impl Reading {
    /// `understood` says that it was an object.
    fn reported(self, understood: bool) -> Reported {
        let Self { counts, bill, tier, out_of_range, flag } = self;
        let billed = bill.nano_dollars();
        if !understood || counts.is_empty() {
            let flag = Some(if out_of_range { Flag::Clamped } else { Flag::Unusable });
            return Reported {
                present: true,
                total: counts.total,
                extras: counts.extras,
                billed,
                tier,
                flag,
                ..Reported::default()
            };
        }
        let parts = counts.parted();
        Reported { present: true, billed, tier, flag: parts.flag.max(flag), ..parts }
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
            b"cache_creation" => self.cache_creation(raw),
            b"cost" | b"estimated_cost" => self.cost(raw),
            b"cost_in_usd_ticks" => self.bill.cost = ticks(raw).or(self.bill.cost),
            b"is_byok" => self.bill.own_account = Some(raw == "true"),
            b"cost_details" => {
                read(raw, |name, raw| {
                    if name == "upstream_inference_cost" {
                        self.bill.upstream = dollars(raw);
                    }
                });
            }
            b"service_tier" | b"serviceTier" | b"speed" | b"inference_geo" => self.priced_by(name, raw),
            b"iterations" => self.iterations(raw),
            b"server_tool_use" | b"server_side_tool_usage" | b"server_side_tool_usage_details" => {
                self.extras(raw, 0);
            }
            b"prompt_audio_seconds"
            | b"num_sources_used"
            | b"num_server_side_tools_used"
            | b"num_search_queries" => {
                self.extra(raw);
            }
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
            (b"reasoning_tokens" | b"thinking_tokens", _) => self.take(|counts| &mut counts.reasoning, raw),
            (b"audio_tokens", Side::Prompt) => self.take(|counts| &mut counts.audio_input, raw),
            (b"audio_tokens", Side::Answer) => self.take(|counts| &mut counts.audio_output, raw),
            // Generated images have their own prices.
            (b"image_tokens" | b"video_tokens", Side::Answer) => self.extra(raw),
            (_, _) => {}
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

    /// Takes a cost in dollars, or an object with `total_cost`.
    fn cost(&mut self, raw: &str) {
        let mut found = dollars(raw);
        if found.is_none() {
            read(raw, |name, raw| {
                if name == "total_cost" {
                    found = dollars(raw);
                }
            });
        }
        self.bill.cost = self.bill.cost.or(found);
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
