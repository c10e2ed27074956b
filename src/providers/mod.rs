//! What each vendor wants and says: addresses, headers, parameters, known models, and the
//! meaning of its errors. Pure functions and tables: no network, no store, no web framework.
//!
//! A vendor that speaks the OpenAI dialect is a row in [`presets`]. The rest of the gateway
//! knows vendors through this module alone, so a vendor's peculiarity has one place to live:
//!
//! | module | answers |
//! |---|---|
//! | [`presets`] | which vendors there are and how they differ |
//! | [`openai`] | the address and the headers of a chat completion |
//! | [`parameters`] | what to rename and drop before a model accepts another model's request |
//! | [`accepts`] | what else a model takes of a request that was written for another one |
//! | [`stream_options`] | whether a provider takes `stream_options` |
//! | [`known_models`] | windows, limits, capabilities and list prices of well-known models |
//! | [`errors`] | a failure's status, headers and body as an [`UpstreamError`] |
//! | [`errors::codes`], [`errors::phrases`] | what a vendor means by an error code, or by a sentence |
//! | [`finish_reasons`] | what a vendor means by a `finish_reason` |
//!
//! NOTICE: `known_models.json` holds facts from models.dev
//! (<https://github.com/anomalyco/models.dev>), MIT, Copyright (c) 2025 spin.dev; the
//! licence is in `docs/licenses/models.dev-MIT.txt`.

pub mod accepts;
pub mod errors;
pub mod finish_reasons;
pub mod known_models;
pub mod openai;
pub mod parameters;
pub mod presets;
pub mod stream_options;

pub use errors::phrases::{Mapping, Mappings, Means, Reading, SentenceClass, Sentences, Speaks};
pub use errors::{
    Moment, UpstreamError, error_in_answer, error_instead_of_answer, error_of_ending, error_of_event,
    parse_error, says_nothing,
};
pub use finish_reasons::{Ending, Finish};
pub use known_models::{Capabilities, KnownModel, KnownPrice, LongPrompt, known_model};
pub use openai::{InvalidCredential, chat_url, model_names, upstream_headers};
pub use parameters::{ParameterRules, known_parameter_rules};
pub use presets::{Authentication, CredentialNeed, PRESETS, Preset, preset};
pub use stream_options::StreamOptions;

/// What a vendor says went wrong, in words that fit all vendors.
///
/// [`errors::codes`] and [`errors::phrases`] translate a vendor's own words into these; what the gateway
/// does about each is its own decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Too many requests or tokens for now; waiting mends it.
    RateLimited,
    /// The account has no money or no quota left; waiting does not mend it.
    QuotaExhausted,
    /// The vendor has more work than it can do.
    Overloaded,
    /// The vendor broke.
    Unavailable,
    /// The vendor gave up waiting for itself.
    TimedOut,
    /// The prompt (with the answer asked for) does not fit the model's window.
    ContextWindow,
    /// The vendor's rules forbid the prompt or the answer.
    ContentPolicy,
    /// The credential is wrong, or may not do this.
    Authentication,
    /// The vendor has no such model, or has it no longer.
    ModelNotFound,
    /// The request itself is at fault.
    InvalidRequest,
}
