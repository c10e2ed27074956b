//! Tokens, and what they cost. Pure; imports the store's snapshot for the price.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::choices::Key;
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
    /// What a provider's counts come to. None if it named neither.
    fn reported(counts: Counts) -> Option<Self> {
        if counts.input.is_none() && counts.output.is_none() {
            return None;
        }
        let (input, output) = (counts.input.unwrap_or(0), counts.output.unwrap_or(0));
        Some(Self {
            input,
            output,
            cached: counts.cached.unwrap_or(0).min(input),
            reasoning: counts.reasoning.unwrap_or(0).min(output),
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

/// A provider's `usage`, whatever it holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reported {
    /// It is not null.
    pub present: bool,
    /// Its tokens, if it says anything usable.
    pub usage: Option<Usage>,
}

impl<'de> Deserialize<'de> for Reported {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        // What is no object, or holds a number that no machine has, says nothing usable.
        let counts = serde_json::from_str::<Counts>(raw.get()).ok();
        Ok(Self { present: raw.get() != "null", usage: counts.and_then(Usage::reported) })
    }
}

/// The counts as they were named, each a number of any kind; of a name that stands there twice, the last.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    input: Option<i64>,
    output: Option<i64>,
    cached: Option<i64>,
    reasoning: Option<i64>,
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Counts;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object of counts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Counts, A::Error> {
                let mut counts = Counts::default();
                while let Some(Key(name)) = object.next_key()? {
                    match &*name {
                        "prompt_tokens" => counts.input = tokens(object.next_value()?),
                        "completion_tokens" => counts.output = tokens(object.next_value()?),
                        "cached_tokens" => counts.cached = tokens(object.next_value()?),
                        "reasoning_tokens" => counts.reasoning = tokens(object.next_value()?),
                        "prompt_tokens_details" => counts.cached = details(object.next_value()?).cached,
                        "completion_tokens_details" => {
                            counts.reasoning = details(object.next_value()?).reasoning;
                        }
                        _ => {
                            object.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(counts)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

fn details(raw: &RawValue) -> Counts {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

/// A count as vendors write it: a number, whole or not, never negative, never beyond belief.
fn tokens(raw: &RawValue) -> Option<i64> {
    let text = raw.get();
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.clamp(0, MOST_TOKENS));
    }
    if !text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "clamped to a range that fits")]
    number.is_finite().then(|| number.clamp(0.0, 1e9) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Usage> {
        serde_json::from_str::<Reported>(text).expect("JSON").usage
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
