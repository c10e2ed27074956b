//! Tokens, and what they cost. Pure; imports the store's snapshot for the price, and its bounds.

mod reported;
#[cfg(test)]
mod tests;

pub use reported::{Reported, parse};

use crate::store::amount::{MOST_NANO_DOLLARS, MOST_TOKENS};
use crate::store::snapshot::Price;

/// What is odd about a provider's count, as rows say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    /// Its parts contradict each other, or it names another model; it was billed by its parts.
    Contradictory,
    /// A number was negative, broken, a text, or beyond belief; it was read as the nearest that can be.
    Clamped,
    /// It was there, and held nothing that is a count; the tokens are our estimate.
    Unusable,
}

impl Flag {
    /// The word in the row.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contradictory => "contradictory",
            Self::Clamped => "clamped",
            Self::Unusable => "unusable",
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
    /// Answer tokens spent on reasoning.
    pub reasoning: i64,
    /// Whether we reckoned any of them ourselves.
    pub estimated: bool,
    /// What is odd about the provider's count.
    pub flag: Option<Flag>,
}

impl Usage {
    /// An estimate of ours.
    #[must_use]
    pub fn estimate(input: i64, output: i64) -> Self {
        let believed = |tokens: i64| tokens.clamp(0, MOST_TOKENS);
        Self { input: believed(input), output: believed(output), estimated: true, ..Self::default() }
    }

    /// What the provider reported; what it left out is taken from `ours`.
    #[must_use]
    pub fn settle(reported: &Reported, ours: impl FnOnce() -> Self) -> Self {
        match (reported.input, reported.output) {
            (None, None) => Self { flag: reported.flag, ..ours() },
            (Some(input), Some(output)) => {
                Self { input, output, estimated: false, ..reported.details() }.consistent()
            }
            (input, output) => {
                let ours = ours();
                Self {
                    input: input.unwrap_or(ours.input),
                    output: output.unwrap_or(ours.output),
                    estimated: true,
                    ..reported.details()
                }
                .consistent()
            }
        }
    }

    /// A part is never larger than its whole.
    fn consistent(self) -> Self {
        let cached = self.cached.min(self.input);
        let cache_write = self.cache_write.min(self.input - cached);
        let reasoning = self.reasoning.min(self.output);
        let odd = (cached, cache_write, reasoning) != (self.cached, self.cache_write, self.reasoning);
        let flag = self.flag.max(odd.then_some(Flag::Contradictory));
        Self { cached, cache_write, reasoning, flag, ..self }
    }

    /// The cost in nano-dollars, from 0 to [`MOST_NANO_DOLLARS`], rounded once; none if a price that is needed is
    /// unknown. What was read from the cache or put into it costs what a prompt does where it has no price of its own.
    #[must_use]
    pub fn cost(&self, price: &Price) -> Option<i64> {
        let part = |tokens: i64, price: Option<i64>| -> Option<i128> {
            if tokens <= 0 { Some(0) } else { Some(i128::from(tokens) * i128::from(price?.max(0))) }
        };
        // micro-dollars per million tokens, times tokens, is pico-dollars.
        let picos = part(self.input - self.cached - self.cache_write, price.input)?
            + part(self.cached, price.cache_read.or(price.input))?
            + part(self.cache_write, price.cache_write.or(price.input))?
            + part(self.output, price.output)?;
        let nanos = (picos + 500) / 1_000;
        Some(i64::try_from(nanos).unwrap_or(MOST_NANO_DOLLARS).min(MOST_NANO_DOLLARS))
    }
}
