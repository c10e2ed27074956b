//! The headers that calls of all endpoints take, as the OpenAPI document describes them. `call` and `options` read them.

use utoipa::IntoParams;

/// The gateway's own headers of a call.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct CallHeaders {
    /// The session in the request log, if the body names none. Claude Code's `x-claude-code-session-id` and Codex's `thread-id` are accepted as well
    #[param(rename = "x-session-id")]
    pub session: Option<String>,
    /// Lowers the total time limit of all attempts
    #[param(rename = "x-failsoft-deadline-ms")]
    pub deadline: Option<u64>,
    /// `MODEL=CLASS, ...` simulates failures of models without calling them; other models are called and count in budgets. The key needs the scope `drill`
    #[param(rename = "x-failsoft-drill")]
    pub drill: Option<String>,
    /// `enabled` adds a `failsoft` object: the models that were tried, why each failed, and the cost. In a stream of a chat it comes just before the end
    #[param(rename = "x-failsoft-metadata")]
    pub metadata: Option<String>,
}
