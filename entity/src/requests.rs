//! Table `requests`: one row per request that reached a candidate, written at its end.
//!
//! Models, providers and keys are named, not referenced: a row stays true when they are gone. Prompts and completions
//! have no column. A stream's row is written when its answer begins, and once more when it ends; after that no row
//! changes.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{OrganizationId, RequestId};

/// One request.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "requests")]
pub struct Model {
    /// Primary key; the caller got it as `x-request-id`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RequestId,
    /// Whose request it was.
    pub organization_id: OrganizationId,
    /// The key that called. None: not called with a key.
    pub api_key_id: Option<Uuid>,
    /// That key's name at the time.
    pub api_key_name: Option<String>,
    /// Catalogue name of the primary.
    pub requested_model: String,
    /// Catalogue name of the model that answered. None: nobody did.
    pub served_model: Option<String>,
    /// Catalogue name of the provider that answered.
    pub served_provider: Option<String>,
    /// `answered`, `failed`, `interrupted` or `client_closed`; `running` while a stream goes on.
    pub outcome: String,
    /// The class of the failure that ended it. None: it was answered whole, or the client left.
    pub error_class: Option<String>,
    /// The HTTP status that the caller got.
    pub status_code: i32,
    /// The path that was called, in its canonical form.
    pub endpoint: String,
    /// What was asked for: `chat_completion`, `chat_completion_stream`.
    pub invocation_type: String,
    /// Whether the caller asked for a stream.
    pub streamed: bool,
    /// Prompt tokens of the answer. None: the provider did not say.
    pub input_tokens: Option<i64>,
    /// Answer tokens, reasoning included.
    pub output_tokens: Option<i64>,
    /// Prompt tokens that came from the provider's cache; part of `input_tokens`.
    pub cached_tokens: Option<i64>,
    /// Tokens spent on reasoning; part of `output_tokens`.
    pub reasoning_tokens: Option<i64>,
    /// Prompt tokens that the provider put into its cache; part of `input_tokens`.
    pub cache_write_tokens: Option<i64>,
    /// What was odd about the provider's count: `clamped`, `contradictory`, `unusable`. None: nothing.
    pub usage_flag: Option<String>,
    /// What the answer cost, in nano-dollars. None: unknown. Failed attempts cost 0.
    pub cost_nano_dollars: Option<i64>,
    /// By what the cost was found: `provider` (its own bill), `own_price` or `list_price`. None: it is unknown, or nothing
    /// was to be paid.
    pub cost_source: Option<String>,
    /// The price row by which the cost was reckoned.
    pub model_price_id: Option<Uuid>,
    /// Whether the tokens were reckoned by us: the provider did not tell, or the stream did not come to its end.
    pub estimated: bool,
    /// Milliseconds until the first real frame went out. None: none did.
    pub first_frame_ms: Option<i64>,
    /// Milliseconds until the end.
    pub total_ms: i64,
    /// Calls made of providers, retries included.
    pub upstream_calls: i32,
    /// Candidates failed or passed over before the answer.
    pub hops: i32,
    /// Every attempt and pass-over, in order, at most 64: a JSON array.
    pub attempts: Json,
    /// The caller's session, as a UUID.
    pub session_id: Option<Uuid>,
    /// The caller's session in the caller's words, where those were no UUID.
    pub session_ref: Option<String>,
    /// How often the caller's SDK had tried this request before.
    pub client_retry_count: Option<i32>,
    /// `live`, `drill` or `demo`.
    pub origin: String,
    /// When the request came in.
    pub created_at: DateTimeUtc,
    /// When the row was written.
    pub recorded_at: DateTimeUtc,
    /// The process that still owes the row its end, or died before it could give it. None: the row is final.
    pub instance_id: Option<Uuid>,
}

impl ActiveModelBehavior for ActiveModel {}
