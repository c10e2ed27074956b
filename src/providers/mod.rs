//! Vendors: addresses, headers, parameters, known models, and the meaning of their errors. Pure functions and tables:
//! no network, no store, no web framework.
//!
//! A vendor that speaks the OpenAI dialect is a row in [`presets`]. Vendor-specific behavior lives here and nowhere
//! else:
//!
//! | module | contents |
//! |---|---|
//! | [`presets`] | the supported vendors and how they differ |
//! | [`calls`] | the URL and the headers of a call |
//! | [`caller_headers`] | what the headers of a caller choose at a vendor |
//! | [`raw_predict`] | messages at an address of their model, as on Google's Vertex AI |
//! | [`aws`] | credentials, signatures and exceptions of Amazon Web Services |
//! | [`service_account`] | the key file of a service account of Google Cloud |
//! | [`parameters`] | the parameters to rename and drop before a model accepts another model's request |
//! | [`compatibility`] | the rest of what a model accepts of a request written for another model |
//! | [`stream_options`] | whether a provider accepts `stream_options` |
//! | [`known_models`] | kinds, windows, limits, capabilities and list prices of well-known models |
//! | [`price`] | a price, and what of it applies to a request |
//! | [`errors`] | parses a failed response into an [`UpstreamError`] |
//! | [`errors::codes`], [`errors::phrases`] | the meaning of a vendor's error codes and error messages |
//! | [`gemini`] | how models of Gemini reason, by their names |
//! | [`finish_reasons`] | the meaning of a `finish_reason` |
//!
//! NOTICE: `known_models.json` holds facts from models.dev (<https://github.com/anomalyco/models.dev>), MIT,
//! Copyright (c) 2025 spin.dev; the license is in `docs/licenses/models.dev-MIT.txt`. Its prices of a cache that is kept for an
//! hour are Anthropic's own.

pub mod aws;
pub mod caller_headers;
pub mod calls;
pub mod claude;
pub mod compatibility;
pub mod errors;
pub mod finish_reasons;
pub mod gemini;
pub mod known_models;
pub mod parameters;
pub mod presets;
pub mod price;
pub mod raw_predict;
pub mod service_account;
pub mod stream_options;

pub use calls::{
    access_key, bearer, check_credential, credential_path, key_file, model_names, service_url,
    upstream_headers,
};
pub use errors::phrases::{
    MOST_PARTS, Mapping, MappingMeaning, Mappings, MessageRules, SentenceClass, SentenceScope, Sentences,
};
pub use errors::{
    Reset, UpstreamError, error_in_answer, error_instead_of_answer, error_of_event, error_of_finish_reason,
    is_empty_error, parse_error,
};
pub use finish_reasons::{FinishMeaning, FinishReason};
pub use known_models::{Capabilities, KnownModel, known_kind, known_model};
pub use parameters::{ParameterRules, RulePlace, known_parameter_rules};
pub use presets::{
    Authentication, CredentialNeed, Documents, InvalidCredential, ModelAddress, PRESETS, Preset, Service,
    preset,
};
pub use price::{LongPrompt, ModelPrice, Rates};
pub use stream_options::StreamOptions;

/// The meaning of a vendor's error, in terms common to all vendors.
///
/// [`errors::codes`] and [`errors::phrases`] translate a vendor's codes and messages into these. The gateway decides
/// what to do about each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Too many requests or tokens for now; waiting helps.
    RateLimited,
    /// The account has no credit or quota left; waiting does not help.
    QuotaExhausted,
    /// The vendor is overloaded.
    Overloaded,
    /// The vendor is broken or down.
    Unavailable,
    /// The vendor timed out internally.
    TimedOut,
    /// The prompt, together with the requested output, does not fit the model's window.
    ContextWindow,
    /// The vendor's policy forbids the prompt or the answer.
    ContentPolicy,
    /// The credential is invalid or lacks permission.
    Authentication,
    /// The vendor does not have this model, or no longer has it.
    ModelNotFound,
    /// The request itself is invalid.
    InvalidRequest,
}
