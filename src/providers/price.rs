//! The price of a model.

use serde::{Deserialize, Serialize};

/// Prices in micro-dollars per million tokens. Null: unknown, which does not mean free.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ModelPrice {
    /// Prompt tokens that are not cached.
    pub input: Option<i64>,
    /// Completion tokens, including reasoning.
    pub output: Option<i64>,
    /// Prompt tokens read from the provider's cache.
    pub cache_read: Option<i64>,
    /// Prompt tokens written to the provider's cache, for five minutes where it has several times.
    pub cache_write: Option<i64>,
    /// Prompt tokens written to the provider's cache for an hour; absent if unknown, as for long prompts.
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
    /// Answer tokens, reasoning included.
    pub output: Option<i64>,
    /// Prompt tokens read from the provider's cache.
    pub cache_read: Option<i64>,
    /// Prompt tokens written to the provider's cache.
    pub cache_write: Option<i64>,
}

/// The prices that apply to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Tokens of the whole prompt.
    pub input: Option<i64>,
    /// Tokens of the completion, including reasoning.
    pub output: Option<i64>,
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
            Some(LongPrompt { input, output, cache_read, cache_write, .. }) => {
                Rates { input, output, cache_read, cache_write, cache_write_1h: None }
            }
            None => Rates {
                input: self.input,
                output: self.output,
                cache_read: self.cache_read,
                cache_write: self.cache_write,
                cache_write_1h: self.cache_write_1h,
            },
        }
    }

    /// The price at which every token costs as much as the dearest that it can be: one that is read from the cache or
    /// written to it and, if there can be any, one of audio.
    #[must_use]
    pub fn dearest(&self, audio_input: bool, audio_output: bool) -> Self {
        let input = |input: Option<i64>, cache_read: Option<i64>, cache_write: Option<i64>| {
            input.max(cache_read).max(cache_write).max(self.audio_input.filter(|_| audio_input))
        };
        let output = |output: Option<i64>| output.max(self.audio_output.filter(|_| audio_output));
        Self {
            input: input(self.input, self.cache_read, self.cache_write.max(self.cache_write_1h)),
            output: output(self.output),
            long_prompt: self.long_prompt.map(|long| LongPrompt {
                input: input(long.input.or(self.input), long.cache_read, long.cache_write),
                output: output(long.output.or(self.output)),
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
                && nothing(rates.cache_read)
                && nothing(rates.cache_write)
        };
        free(self.rates(0))
            && free(self.rates(i64::MAX))
            && nothing(self.cache_write_1h)
            && nothing(self.audio_input)
            && nothing(self.audio_output)
    }
}
