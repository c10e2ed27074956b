//! The price of a model in a snapshot.

use uuid::Uuid;

use crate::providers::LongPrompt;
use crate::store::PriceFields;

/// Prices in micro-dollars per million tokens; `None` is unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Price {
    /// The price row; `None` for a price of the built-in table.
    pub id: Option<Uuid>,
    /// Tokens of the whole prompt.
    pub input: Option<i64>,
    /// Tokens of the completion, including reasoning.
    pub output: Option<i64>,
    /// Prompt tokens read from the cache of the provider.
    pub cache_read: Option<i64>,
    /// Prompt tokens written to the cache of the provider.
    pub cache_write: Option<i64>,
    /// Audio tokens of the prompt.
    pub audio_input: Option<i64>,
    /// Audio tokens of the completion.
    pub audio_output: Option<i64>,
    /// The prices for long prompts.
    pub long_prompt: Option<LongPrompt>,
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
}

impl Price {
    pub(super) fn new(id: Option<Uuid>, fields: PriceFields) -> Self {
        let PriceFields { input, output, cache_read, cache_write, audio_input, audio_output, long_prompt } =
            fields;
        Self { id, input, output, cache_read, cache_write, audio_input, audio_output, long_prompt }
    }

    /// The prices for a prompt of that many tokens.
    #[must_use]
    pub fn rates(&self, prompt_tokens: i64) -> Rates {
        match self.long_prompt.filter(|long| prompt_tokens > long.above) {
            Some(LongPrompt { input, output, cache_read, cache_write, .. }) => {
                Rates { input, output, cache_read, cache_write }
            }
            None => Rates {
                input: self.input,
                output: self.output,
                cache_read: self.cache_read,
                cache_write: self.cache_write,
            },
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
            && nothing(self.audio_input)
            && nothing(self.audio_output)
    }
}
