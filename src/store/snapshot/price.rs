//! What a model costs, as requests meet it.

use uuid::Uuid;

use crate::providers::LongPrompt;
use crate::store::PriceFields;

/// What a million tokens cost, in micro-dollars; none is unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Price {
    /// The price's row; none for one of the embedded table.
    pub id: Option<Uuid>,
    /// Prompt tokens.
    pub input: Option<i64>,
    /// Answer tokens.
    pub output: Option<i64>,
    /// Prompt tokens that the provider had in its cache.
    pub cache_read: Option<i64>,
    /// Prompt tokens that the provider put into its cache.
    pub cache_write: Option<i64>,
    /// Prompt tokens that are sound.
    pub audio_input: Option<i64>,
    /// Answer tokens that are sound.
    pub audio_output: Option<i64>,
    /// What holds instead where a prompt is long.
    pub long_prompt: Option<LongPrompt>,
}

/// The prices that hold for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Prompt tokens.
    pub input: Option<i64>,
    /// Answer tokens.
    pub output: Option<i64>,
    /// Prompt tokens that the provider had in its cache.
    pub cache_read: Option<i64>,
    /// Prompt tokens that the provider put into its cache.
    pub cache_write: Option<i64>,
}

impl Price {
    pub(super) fn new(id: Option<Uuid>, fields: PriceFields) -> Self {
        let PriceFields { input, output, cache_read, cache_write, audio_input, audio_output, long_prompt } =
            fields;
        Self { id, input, output, cache_read, cache_write, audio_input, audio_output, long_prompt }
    }

    /// The prices of a request with a prompt of so many tokens.
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

    /// Whether nothing that it is asked for can cost anything: prompt and answer are known to cost 0, and nothing else is
    /// known to cost more.
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
