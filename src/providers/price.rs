//! The price of a model.

use serde::{Deserialize, Serialize};

/// Prices in micro-dollars per million tokens. Null: unknown, which does not mean free.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ModelPrice {
    /// Prompt tokens that are not cached.
    pub input: Option<i64>,
    /// Completion tokens, including reasoning without a price of its own.
    pub output: Option<i64>,
    /// Completion tokens for reasoning, where the vendor bills them apart; absent if they cost as much as the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<i64>,
    /// Prompt tokens read from the provider's cache.
    pub cache_read: Option<i64>,
    /// Prompt tokens written to the provider's cache, for five minutes where it has several times.
    pub cache_write: Option<i64>,
    /// Prompt tokens written to the provider's cache for an hour; absent if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<i64>,
    /// Audio tokens of the prompt; absent if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_input: Option<i64>,
    /// Audio tokens of the completion; absent if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_output: Option<i64>,
    /// The prices for prompts above a number of tokens; absent if the price is the same for all prompts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub long_prompt: Option<LongPrompt>,
}

/// Prices that replace the model's other prices for the whole request once the prompt is longer than `above`. In
/// micro-dollars per million tokens; null is unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LongPrompt {
    /// The longest prompt, in tokens including cached ones, that is still charged the normal price.
    #[schema(required, minimum = 1, maximum = 1_000_000_000)]
    pub above: i64,
    /// The price of prompt tokens.
    pub input: Option<i64>,
    /// Answer tokens, including reasoning without a price of its own.
    pub output: Option<i64>,
    /// Answer tokens for reasoning; absent if they cost as much as the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<i64>,
    /// Prompt tokens read from the provider's cache.
    pub cache_read: Option<i64>,
    /// Prompt tokens written to the provider's cache.
    pub cache_write: Option<i64>,
    /// Prompt tokens written to the provider's cache for an hour; absent if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<i64>,
}

/// The prices that apply to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Tokens of the whole prompt.
    pub input: Option<i64>,
    /// Tokens of the completion, including reasoning without a price of its own.
    pub output: Option<i64>,
    /// Tokens of the completion for reasoning; `None` if they cost as much as the others.
    pub reasoning: Option<i64>,
    /// Prompt tokens read from the cache of the provider.
    pub cache_read: Option<i64>,
    /// Prompt tokens written to the cache of the provider.
    pub cache_write: Option<i64>,
    /// Prompt tokens written to the cache of the provider for an hour.
    pub cache_write_1h: Option<i64>,
}

impl ModelPrice {
    /// The price, unless no number is known.
    #[must_use]
    pub fn if_known(self) -> Option<Self> {
        Some(self).filter(|price| *price != Self::default())
    }

    /// The prices for a prompt of that many tokens.
    #[must_use]
    pub fn rates(&self, prompt_tokens: i64) -> Rates {
        match self.long_prompt.filter(|long| prompt_tokens > long.above) {
            Some(LongPrompt {
                above: _,
                input,
                output,
                reasoning,
                cache_read,
                cache_write,
                cache_write_1h,
            }) => Rates { input, output, reasoning, cache_read, cache_write, cache_write_1h },
            None => Rates {
                input: self.input,
                output: self.output,
                reasoning: self.reasoning,
                cache_read: self.cache_read,
                cache_write: self.cache_write,
                cache_write_1h: self.cache_write_1h,
            },
        }
    }

    /// The price for a request of which nothing is kept in a cache for an hour.
    #[must_use]
    pub fn without_hour(self) -> Self {
        let long_prompt = self.long_prompt.map(|long| LongPrompt { cache_write_1h: None, ..long });
        Self { cache_write_1h: None, long_prompt, ..self }
    }

    /// The price at which every token costs as much as the dearest that it can be: one that is read from the cache or
    /// written to it and, if there can be any, one of audio.
    #[must_use]
    pub fn dearest(&self, audio_input: bool, audio_output: bool) -> Self {
        let input = |input: Option<i64>, cache_read: Option<i64>, cache_write: Option<i64>| {
            input.max(cache_read).max(cache_write).max(self.audio_input.filter(|_| audio_input))
        };
        let output = |output: Option<i64>, reasoning: Option<i64>| {
            output.max(reasoning).max(self.audio_output.filter(|_| audio_output))
        };
        Self {
            input: input(self.input, self.cache_read, self.cache_write.max(self.cache_write_1h)),
            output: output(self.output, self.reasoning),
            long_prompt: self.long_prompt.map(|long| LongPrompt {
                input: input(
                    long.input.or(self.input),
                    long.cache_read,
                    long.cache_write.max(long.cache_write_1h),
                ),
                output: output(long.output.or(self.output), long.reasoning),
                ..long
            }),
            ..*self
        }
    }

    /// Whether the model is free: prompt and completion tokens are known to cost 0, and no other price is above 0.
    #[must_use]
    pub fn is_free(&self) -> bool {
        let nothing = |part: Option<i64>| part.is_none_or(|price| price == 0);
        let free = |rates: Rates| {
            rates.input == Some(0)
                && rates.output == Some(0)
                && nothing(rates.reasoning)
                && nothing(rates.cache_read)
                && nothing(rates.cache_write)
                && nothing(rates.cache_write_1h)
        };
        free(self.rates(0))
            && free(self.rates(i64::MAX))
            && nothing(self.audio_input)
            && nothing(self.audio_output)
    }
}
