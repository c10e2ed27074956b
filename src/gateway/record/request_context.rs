//! What is known about a request before any candidate is called.

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use entity::ids::OrganizationId;
use uuid::Uuid;

use crate::dialects::{CallerDialect, Endpoint};
use crate::domain::invocation_type::InvocationType;
use crate::domain::operation::Operation;
use crate::store::snapshot::ApiKeyEntry;

/// What is known about a request before any candidate is called. Its rows repeat most of it.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// The request's id, which the caller gets as `x-request-id`.
    pub request_id: Uuid,
    /// The organization that sent the request.
    pub organization_id: OrganizationId,
    /// The API key of the caller; `None` for a console user.
    pub key: Option<Arc<ApiKeyEntry>>,
    /// The dialect of the endpoint that was called.
    pub dialect: CallerDialect,
    /// What the endpoint is for.
    pub operation: Operation,
    /// Catalog name of the primary model.
    pub requested: String,
    /// Whether the caller asked for a stream.
    pub streamed: bool,
    /// The session id, if it is a UUID.
    pub session_id: Option<Uuid>,
    /// The session id as the caller wrote it.
    pub session_ref: Option<String>,
    /// The retry count that the caller's SDK reports.
    pub client_retry_count: Option<i32>,
    /// When the request arrived.
    pub created_at: DateTime<Utc>,
    /// The same moment on the monotonic clock, for durations.
    pub started: Instant,
}

impl RequestContext {
    /// The path of the endpoint that was called, in the canonical form.
    #[must_use]
    pub const fn endpoint(&self) -> &'static str {
        Endpoint { dialect: self.dialect, operation: self.operation }.path()
    }

    /// What the request asks a model for.
    #[must_use]
    pub const fn invocation_type(&self) -> InvocationType {
        if !matches!(self.operation, Operation::Chat) {
            return InvocationType::of(self.operation, self.streamed);
        }
        match self.dialect {
            CallerDialect::ChatCompletions => InvocationType::chat_completion(self.streamed),
            CallerDialect::Messages => InvocationType::message(self.streamed),
            CallerDialect::Responses => InvocationType::response(self.streamed),
        }
    }
}
