//! The tokens of an answer and their cost. Pure.

#[cfg(test)]
mod tests;

pub use crate::gateway::usage::reported::of_choices::ChoiceUsage;
pub use crate::gateway::usage::reported::{
    Progress, Reported, counts_extras, of_converse, parse, parse_inside, scan as scan_usage,
};

use uuid::Uuid;

use crate::domain::amount::{MOST_NANO_DOLLARS, MOST_TOKENS};
use crate::providers::{ModelPrice, Rates};

/// What is wrong with a provider's count, as stored in rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    /// Its parts contradict each other, or it names another model. It was billed by its parts.
    Contradictory,
    /// A number was a fraction, quoted, negative, implausible or missing. The nearest valid number or an estimate was
    /// used.
    Clamped,
    /// It contained no count. The tokens are an estimate.
    Unusable,
}

impl Flag {
    /// The value in rows.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contradictory => "contradictory",
            Self::Clamped => "clamped",
            Self::Unusable => "unusable",
        }
    }
}

/// The price level at which a provider serves a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// The provider's list price.
    Standard,
    /// Another price, higher or lower: `flex`, `priority`, `batch` or a contract's.
    Special,
}

impl Tier {
    /// Parses a `service_tier`, given as raw JSON. `None` if it is null or empty.
    #[must_use]
    pub fn read(raw: &str) -> Option<Self> {
        const STANDARD: [&str; 5] =
            ["\"default\"", "\"standard\"", "\"standard_only\"", "\"auto\"", "\"on_demand\""];
        if matches!(raw, "null" | "\"\"") {
            return None;
        }
        let is_standard = STANDARD.iter().any(|standard| standard.eq_ignore_ascii_case(raw));
        Some(if is_standard { Self::Standard } else { Self::Special })
    }

    /// Parses the region that an answer is made in (`inference_geo`), given as raw JSON. A certain one costs more.
    #[must_use]
    pub fn of_region(raw: &str) -> Option<Self> {
        if matches!(raw, "\"global\"" | "\"not_available\"") { None } else { Self::read(raw) }
    }

    /// Of two fields, a special tier counts.
    #[must_use]
    pub fn dearer(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        if one == Some(Self::Special) { one } else { other.or(one) }
    }
}

/// The source of a cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CostSource {
    /// The provider reported the cost.
    Provider,
    /// The organization's price of the model.
    OwnPrice,
    /// The list price from the embedded table.
    ListPrice,
}

impl CostSource {
    /// The value in rows.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::OwnPrice => "own_price",
            Self::ListPrice => "list_price",
        }
    }
}

/// The tokens of one answer. Each is from 0 to [`MOST_TOKENS`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Prompt tokens, cached ones included.
    pub input: i64,
    /// Answer tokens, reasoning included.
    pub output: i64,
    /// Prompt tokens from the provider's cache.
    pub cached: i64,
    /// Prompt tokens that the provider put into its cache.
    pub cache_write: i64,
    /// Those of the written ones that the provider keeps for an hour.
    pub cache_write_1h: i64,
    /// Answer tokens spent on reasoning.
    pub reasoning: i64,
    /// The prompt tokens that budgets count at least, if the request does not tell the size of its prompt.
    pub most_input: i64,
    /// Audio tokens of the prompt, neither cached nor written to the cache.
    pub audio_input: i64,
    /// Audio tokens of the answer.
    pub audio_output: i64,
    /// Whether something was used that token prices do not cover.
    pub extras: bool,
    /// The cost that the provider reported, in nano-dollars.
    pub billed: Option<i64>,
    /// The service tier of the answer, if it is reported.
    pub tier: Option<Tier>,
    /// Whether the provider reported it before the end of what was delivered, so that its cost is a lower bound.
    pub partial: bool,
    /// Whether any of the numbers is an estimate.
    pub estimated: bool,
    /// What is wrong with the provider's count.
    pub flag: Option<Flag>,
}

impl Usage {
    /// Creates an estimated usage.
    #[must_use]
    pub fn estimate(input: i64, output: i64) -> Self {
        let believed = |tokens: i64| tokens.clamp(0, MOST_TOKENS);
        Self { input: believed(input), output: believed(output), estimated: true, ..Self::default() }
    }

    /// Completes the reported usage. Missing or zero counts are taken from the estimate `ours`.
    #[must_use]
    pub fn settle(reported: &Reported, ours: impl FnOnce() -> Self) -> Self {
        let (mut input, mut output) = (reported.input.unwrap_or(0), reported.output.unwrap_or(0));
        let mut own = false;
        if input == 0 || output == 0 {
            let ours = ours();
            own = (input == 0 && ours.input > 0) || (output == 0 && ours.output > 0);
            own |= reported.input.is_none() || reported.output.is_none();
            input = if input == 0 { ours.input } else { input };
            output = if output == 0 { ours.output } else { output };
        }
        // What only the total includes is billed, as the part that is not counted.
        match (reported.total, reported.input, reported.output) {
            (Some(total), _, None) => output = output.max(total.saturating_sub(input)),
            (Some(total), None, Some(_)) => input = input.max(total.saturating_sub(output)),
            (_, Some(_), Some(_)) | (None, _, _) => {}
        }
        let denied = own && reported.input.is_some() && reported.output.is_some();
        let flag = reported.flag.max(denied.then_some(Flag::Contradictory));
        Self { input, output, estimated: own, flag, ..reported.details() }.consistent()
    }

    /// Limits every part to its total.
    fn consistent(self) -> Self {
        let cached = self.cached.min(self.input);
        let cache_write = self.cache_write.min(self.input - cached);
        let cache_write_1h = self.cache_write_1h.min(cache_write);
        let audio_input = self.audio_input.min(self.input - cached - cache_write);
        let reasoning = self.reasoning.min(self.output);
        let audio_output = self.audio_output.min(self.output);
        let odd = (cached, cache_write, reasoning) != (self.cached, self.cache_write, self.reasoning);
        let flag = self.flag.max(odd.then_some(Flag::Contradictory));
        Self { cached, cache_write, cache_write_1h, reasoning, audio_input, audio_output, flag, ..self }
    }

    /// The billed cost in nano-dollars and its source. `None` if the cost is unknown, which does not mean free. `price_id`
    /// is the row of the price; `None` for a price of the built-in table.
    #[must_use]
    pub fn bill(
        &self,
        price: Option<&ModelPrice>,
        price_id: Option<Uuid>,
    ) -> (Option<i64>, Option<CostSource>) {
        // A reported cost of 0 does not make an answer free: many report it where they do not bill by the answer.
        if let Some(billed) = self.billed.filter(|billed| *billed > 0 && !self.partial) {
            return (Some(billed), Some(CostSource::Provider));
        }
        if self.input == 0 && self.output == 0 && !self.extras {
            return (Some(0), None);
        }
        // The list price does not apply to a special tier.
        let listed = price.filter(|_| self.tier != Some(Tier::Special));
        let Some(price) = listed else { return (None, None) };
        let source = if price_id.is_some() { CostSource::OwnPrice } else { CostSource::ListPrice };
        let cost = self.cost(price);
        match self.billed {
            Some(billed) if cost.is_some_and(|cost| billed > cost) => {
                (Some(billed), Some(CostSource::Provider))
            }
            Some(_) | None => (cost, cost.map(|_| source)),
        }
    }

    /// The cost in nano-dollars, from 0 to [`MOST_NANO_DOLLARS`], rounded once. `None` if a required price is
    /// unknown. Cached tokens without a price cost as much as input tokens, and reasoning as much as other answer tokens; audio
    /// tokens and those that are cached for an hour make the cost unknown without one.
    #[must_use]
    pub fn cost(&self, price: &ModelPrice) -> Option<i64> {
        if self.extras {
            return None;
        }
        let audio = (price.audio_input, price.audio_output);
        let parts = self.parts(price.rates(self.input), audio);
        parts.into_iter().try_fold(0, |sum, part| Some(sum + part?)).map(nano_dollars)
    }

    /// What is known of an unknown cost, in nano-dollars: of its tokens, or what the provider had billed until then.
    #[must_use]
    pub fn known_part(&self, price: Option<&ModelPrice>) -> i64 {
        let tokens = price.map_or(0, |price| self.known_cost(price));
        tokens.max(self.billed.filter(|_| self.partial).unwrap_or(0))
    }

    /// The part of the cost that is known, in nano-dollars: what budgets count if the cost is unknown. It ignores tiers
    /// and what no token price covers. Audio tokens without a price cost as much as others, tokens that are cached for an hour
    /// as much as others that are cached, tokens of a long prompt without one as much as those of a short prompt, and other
    /// tokens without a price nothing.
    #[must_use]
    pub fn known_cost(&self, price: &ModelPrice) -> i64 {
        if self.most_input > self.input {
            // What the prompt may have beyond its estimate counts at the dearest price.
            let dearest = Self { input: self.most_input, most_input: 0, ..*self };
            return dearest.known_cost(&price.dearest(true, false));
        }
        let long = price.rates(self.input);
        let (input, output) = (long.input.or(price.input), long.output.or(price.output));
        let audio = (price.audio_input.or(input), price.audio_output.or(output));
        let cache_write_1h = long.cache_write_1h.or(long.cache_write).or(input);
        let parts = self.parts(Rates { input, output, cache_write_1h, ..long }, audio);
        nano_dollars(parts.into_iter().flatten().sum())
    }

    /// The costs of the parts, in micro-dollars per million tokens times tokens, which are pico-dollars. `None` if the
    /// price of a part is unknown.
    fn parts(&self, rates: Rates, audio: (Option<i64>, Option<i64>)) -> [Option<i128>; 8] {
        let part = |tokens: i64, price: Option<i64>| -> Option<i128> {
            if tokens <= 0 { Some(0) } else { Some(i128::from(tokens) * i128::from(price?.max(0))) }
        };
        let fresh = self.input - self.cached - self.cache_write - self.audio_input;
        let written = self.output - self.audio_output;
        let reasoning = self.reasoning.min(written);
        [
            part(fresh, rates.input),
            part(self.cached, rates.cache_read.or(rates.input)),
            part(self.cache_write - self.cache_write_1h, rates.cache_write.or(rates.input)),
            part(self.cache_write_1h, rates.cache_write_1h),
            part(self.audio_input, audio.0),
            part(written - reasoning, rates.output),
            part(reasoning, rates.reasoning.or(rates.output)),
            part(self.audio_output, audio.1),
        ]
    }
}

/// Rounds pico-dollars, from 0 to [`MOST_NANO_DOLLARS`].
fn nano_dollars(picos: i128) -> i64 {
    let nanos = (picos + 500) / 1_000;
    i64::try_from(nanos).unwrap_or(MOST_NANO_DOLLARS).min(MOST_NANO_DOLLARS)
}
