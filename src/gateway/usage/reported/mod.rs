//! Parses a provider's `usage` leniently: nothing in it is an error.
//!
//! Vendors have many names for the same counts; [`parts`](super::parts) turns them into disjoint parts.

pub(crate) mod number;
pub(crate) mod parts;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::gateway::request::json_object::Key;
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
        Ok(parse(<&RawValue>::deserialize(deserializer)?))
    }
}

/// Parses a provider's `usage`.
#[must_use]
pub fn parse(raw: &RawValue) -> Reported {
    if raw.get() == "null" {
        return Reported::default();
    }
    let mut reading = Reading::default();
    let understood = read(raw, |name, raw| reading.member(name, raw));
    let Reading { counts, bill, tier, out_of_range, flag } = reading;
    let billed = bill.nano_dollars();
    if !understood || counts.is_empty() {
        let flag = Some(if out_of_range { Flag::Clamped } else { Flag::Unusable });
        return Reported { present: true, total: counts.total, billed, tier, flag, ..Reported::default() };
    }
    let parts = counts.parted();
    Reported { present: true, billed, tier, flag: parts.flag.max(flag), ..parts }
}

/// Parses a usage inside another object, such as Groq's `x_groq`.
#[must_use]
pub fn parse_inside(raw: &RawValue) -> Reported {
    let mut found = Reported::default();
    read(raw, |name, raw| {
        if name == "usage" {
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

impl Reading {
    fn member(&mut self, name: &str, raw: &RawValue) {
        match name {
            "prompt_tokens" => {
                self.counts.names.chat = true;
                self.take(|counts| &mut counts.input, raw);
            }
            "input_tokens" => {
                self.counts.names.messages = true;
                self.take(|counts| &mut counts.input, raw);
            }
            "completion_tokens" | "output_tokens" => self.take(|counts| &mut counts.output, raw),
            "total_tokens" => self.take(|counts| &mut counts.total, raw),
            "prompt_tokens_details" | "input_tokens_details" => self.details(Side::Prompt, raw),
            "completion_tokens_details" | "output_tokens_details" => self.details(Side::Answer, raw),
            "cost" | "estimated_cost" => self.cost(raw),
            "cost_in_usd_ticks" => self.bill.cost = ticks(raw.get()).or(self.bill.cost),
            "is_byok" => self.bill.own_account = Some(raw.get() == "true"),
            "cost_details" => {
                read(raw, |name, raw| {
                    if name == "upstream_inference_cost" {
                        self.bill.upstream = dollars(raw.get());
                    }
                });
            }
            "service_tier" => self.tier = Tier::read(raw.get()),
            "server_tool_use" => {
                read(raw, |_, raw| self.extra(raw));
            }
            "prompt_audio_seconds"
            | "num_sources_used"
            | "num_server_side_tools_used"
            | "num_search_queries" => {
                self.extra(raw);
            }
            detail => {
                self.counts.names.cache |=
                    matches!(detail, "cache_read_input_tokens" | "cache_creation_input_tokens");
                self.detail(Side::Whole, detail, raw);
            }
        }
    }

    fn detail(&mut self, side: Side, name: &str, raw: &RawValue) {
        match (name, side) {
            (
                "cached_tokens" | "cache_read_input_tokens" | "prompt_cache_hit_tokens" | "cache_read_tokens",
                _,
            ) => {
                self.take(|counts| &mut counts.cached, raw);
            }
            ("cache_write_tokens" | "cache_creation_tokens" | "cache_creation_input_tokens", _) => {
                self.take(|counts| &mut counts.cache_write, raw);
            }
            ("reasoning_tokens", _) => self.take(|counts| &mut counts.reasoning, raw),
            ("audio_tokens", Side::Prompt) => self.take(|counts| &mut counts.audio_input, raw),
            ("audio_tokens", Side::Answer) => self.take(|counts| &mut counts.audio_output, raw),
            // Generated images have their own prices.
            ("image_tokens" | "video_tokens", Side::Answer) => self.extra(raw),
            (_, _) => {}
        }
    }

    /// Reads a details object. It does not recurse further.
    fn details(&mut self, side: Side, raw: &RawValue) {
        if raw.get() != "null" && !read(raw, |name, raw| self.detail(side, name, raw)) {
            self.odd(Flag::Clamped);
        }
    }

    /// Takes a count and flags problems. Null counts as absent; of a count that occurs twice, under any name, the
    /// larger is kept.
    fn take(&mut self, which: fn(&mut Counts) -> &mut Option<i64>, raw: &RawValue) {
        if raw.get() == "null" {
            return;
        }
        let count = match tokens(raw.get()) {
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
    fn cost(&mut self, raw: &RawValue) {
        let mut found = dollars(raw.get());
        if found.is_none() {
            read(raw, |name, raw| {
                if name == "total_cost" {
                    found = dollars(raw.get());
                }
            });
        }
        self.bill.cost = self.bill.cost.or(found);
    }

    fn extra(&mut self, raw: &RawValue) {
        // Other values are ignored: some vendors send an empty object.
        self.counts.extras |= !matches!(tokens(raw.get()), Number::Whole(0) | Number::Near(0) | Number::None);
    }

    fn odd(&mut self, flag: Flag) {
        self.flag = self.flag.max(Some(flag));
    }
}

/// Calls `each` for every field of an object. Returns false if it is not an object.
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
