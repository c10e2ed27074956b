//! One attempt of a request, or one candidate that was skipped.

use std::sync::Arc;

use serde::Serialize;

use crate::domain::closed_set::closed_set;
use crate::domain::failure::class::ErrorClass;

/// Why a request was sent to this one of several credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentReason {
    /// By chance, in proportion to the weights.
    Weight,
    /// It is that of the session: earlier requests of it are in the provider's cache.
    Session,
    /// That of the session is away, or came back a moment ago, and this is the next one for it.
    SessionMoved,
    /// Those of the earlier tiers are away.
    Spill,
    /// Another one failed for this request.
    Failover,
    /// The request finds out whether it works again.
    Probe,
    /// No other one is left, so it is called again or despite its cooldown.
    Retry,
}

impl DeploymentReason {
    /// Every reason, the usual ones first.
    pub const ALL: [Self; 7] = [
        Self::Weight,
        Self::Session,
        Self::SessionMoved,
        Self::Spill,
        Self::Failover,
        Self::Probe,
        Self::Retry,
    ];

    /// The word in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Weight => "weight",
            Self::Session => "session",
            Self::SessionMoved => "session_moved",
            Self::Spill => "spill",
            Self::Failover => "failover",
            Self::Probe => "probe",
            Self::Retry => "retry",
        }
    }
}

closed_set!(DeploymentReason);

/// One attempt or skipped candidate, as it is stored and shown.
#[derive(Debug, Clone, Serialize)]
pub struct AttemptReport {
    /// Catalog name of the model.
    pub model: String,
    /// Catalog name of its provider.
    pub provider: String,
    /// The HTTP status of the provider; `None` if there was no response.
    pub status: Option<u16>,
    /// Why it failed; `None` for the attempt that answered.
    pub error_class: Option<ErrorClass>,
    /// The classification rule that matched. Of a skipped candidate what it cannot do, or what opened its cooldown; otherwise
    /// `None`, as for an answer.
    pub matched_rule: Option<&'static str>,
    /// Milliseconds from the start of the call to its end or, for a stream, to the first content frame.
    pub duration_ms: u64,
    /// Whether the candidate was skipped without a call.
    pub passed_over: bool,
    /// The changes that adapted the request to the model, such as `clamped:max_tokens`.
    pub adapted: Vec<String>,
    /// The dialect that the request was translated into for the provider, such as `messages`; `None` if the provider got the
    /// caller's own, or was not called.
    pub translated_to: Option<&'static str>,
    /// The name of the credential that it was sent with; `None` if its provider has one, or it was not called.
    pub credential: Option<Arc<str>>,
    /// Why it was sent with this credential; `None` likewise.
    pub chosen: Option<DeploymentReason>,
}

/// How the request that a provider gets differs from the caller's.
#[derive(Debug, Clone, Default)]
pub struct Adaptation {
    /// The changes, such as `clamped:max_tokens`.
    pub changes: Vec<String>,
    /// The dialect that it was translated into; `None` if it is still the caller's.
    pub translated_to: Option<&'static str>,
}
