//! Tokens, and what they cost. Pure; imports the store's snapshot for the price.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::store::snapshot::Price;

/// The most tokens that one answer is believed to have. Beyond it a provider's figure is an error or an attack.
const MOST_TOKENS: i64 = 1_000_000_000;

/// The tokens of one answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Prompt tokens, cached ones included.
    pub input: i64,
    /// Answer tokens, reasoning included.
    pub output: i64,
    /// Prompt tokens from the provider's cache.
    pub cached: i64,
    /// Answer tokens spent on reasoning.
    pub reasoning: i64,
    /// Whether we reckoned them ourselves.
    pub estimated: bool,
}

impl Usage {
    /// Reads a provider's `usage` object. None if it says nothing usable.
    #[must_use]
    pub fn parse(raw: &RawValue) -> Option<Self> {
        #[derive(Deserialize)]
        struct Wire<'a> {
            #[serde(borrow, default)]
            prompt_tokens: Option<&'a RawValue>,
            #[serde(borrow, default)]
            completion_tokens: Option<&'a RawValue>,
            #[serde(borrow, default)]
            prompt_tokens_details: Option<&'a RawValue>,
            #[serde(borrow, default)]
            completion_tokens_details: Option<&'a RawValue>,
        }
        #[derive(Deserialize)]
        struct Details<'a> {
            #[serde(borrow, default)]
            cached_tokens: Option<&'a RawValue>,
            #[serde(borrow, default)]
            reasoning_tokens: Option<&'a RawValue>,
        }
        let wire: Wire<'_> = serde_json::from_str(raw.get()).ok()?;
        let details = |raw: Option<&RawValue>| -> (i64, i64) {
            raw.and_then(|raw| {
                let details: Details<'_> = serde_json::from_str(raw.get()).ok()?;
                Some((
                    tokens(details.cached_tokens).unwrap_or(0),
                    tokens(details.reasoning_tokens).unwrap_or(0),
                ))
            })
            .unwrap_or_default()
        };
        let (input, output) = (tokens(wire.prompt_tokens), tokens(wire.completion_tokens));
        if input.is_none() && output.is_none() {
            return None;
        }
        let (input, output) = (input.unwrap_or(0), output.unwrap_or(0));
        Some(Self {
            input,
            output,
            cached: details(wire.prompt_tokens_details).0.min(input),
            reasoning: details(wire.completion_tokens_details).1.min(output),
            estimated: false,
        })
    }

    /// What we reckon when the provider did not say: four bytes of text are about one token.
    #[must_use]
    pub fn estimate(prompt_bytes: usize, answer_bytes: usize) -> Self {
        let tokens = |bytes: usize| i64::try_from(bytes.div_ceil(4)).unwrap_or(MOST_TOKENS).min(MOST_TOKENS);
        Self { input: tokens(prompt_bytes), output: tokens(answer_bytes), estimated: true, ..Self::default() }
    }

    /// The cost in nano-dollars, rounded once; none if a price that is needed is unknown.
    #[must_use]
    pub fn cost(&self, price: &Price) -> Option<i64> {
        let part = |tokens: i64, price: Option<i64>| -> Option<i128> {
            if tokens == 0 { Some(0) } else { Some(i128::from(tokens) * i128::from(price?)) }
        };
        // micro-dollars per million tokens, times tokens, is pico-dollars.
        let picos = part(self.input - self.cached, price.input)?
            + part(self.cached, price.cache_read.or(price.input))?
            + part(self.output, price.output)?;
        i64::try_from((picos + 500) / 1_000).ok()
    }
}

/// A count as vendors write it: a number, whole or not, never negative, never beyond belief.
fn tokens(raw: Option<&RawValue>) -> Option<i64> {
    let text = raw?.get();
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.clamp(0, MOST_TOKENS));
    }
    let number: f64 = text.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "clamped to a range that fits")]
    number.is_finite().then(|| number.clamp(0.0, 1e9) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Usage> {
        let raw: Box<RawValue> = serde_json::from_str(text).expect("JSON");
        Usage::parse(&raw)
    }

    #[test]
    fn hostile_counts_are_clamped_and_never_a_panic() {
        for text in [
            r#"{"prompt_tokens":-5,"completion_tokens":-1}"#,
            r#"{"prompt_tokens":9223372036854775808,"completion_tokens":1e308}"#,
            r#"{"prompt_tokens":1,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":99}}"#,
            r#"{"prompt_tokens":"7","completion_tokens":3}"#,
        ] {
            let usage = parse(text).expect("usable");
            assert!(usage.input >= 0 && usage.output >= 0 && usage.cached <= usage.input, "{usage:?}");
            assert!(usage.input <= MOST_TOKENS && usage.output <= MOST_TOKENS);
        }
        for text in ["{}", "[]", "null", "7", r#"{"prompt_tokens":"7","completion_tokens":null}"#] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn cost_is_rounded_once_and_unknown_prices_are_not_free() {
        let price = Price {
            id: None,
            input: Some(2_500_000),
            output: Some(10_000_000),
            cache_read: Some(1_250_000),
            cache_write: None,
        };
        let usage = Usage { input: 1_000, output: 500, cached: 400, ..Usage::default() };
        // 600 × 2.5 + 400 × 1.25 + 500 × 10 micro-dollars = 7,000 micro-dollars.
        assert_eq!(usage.cost(&price), Some(7_000_000));
        assert_eq!(usage.cost(&Price { output: None, ..price }), None);
        assert_eq!(Usage::default().cost(&Price { output: None, ..price }), Some(0));
    }
}
