//! `POST /v1/model-router/providers/{id}/test`.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::WHAT;
use crate::api::management::checks::path_id;
use crate::auth::api::api_caller::{Caller, RouterManage};
use crate::domain::error::{Error, Result};
use crate::domain::error_class::ErrorClass;
use crate::gateway::Gateway;
use crate::gateway::preview::connection_test::ConnectionReport;

/// What a test of a provider found out.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionResponse {
    /// It can be reached, and accepts the credential.
    ok: bool,
    /// Milliseconds until that was clear.
    took_ms: u64,
    /// What the provider calls its models; at most 1,000.
    models: Vec<String>,
    /// How it failed; null: it did not.
    #[schema(required)]
    error_class: Option<ErrorClass>,
    /// The provider's status; null: there was no answer, or it is fine.
    #[schema(required)]
    status: Option<u16>,
    /// What went wrong, redacted.
    #[schema(required)]
    message: Option<String>,
    /// What to do about it.
    #[schema(required)]
    remedy: Option<&'static str>,
}

impl From<ConnectionReport> for ConnectionResponse {
    fn from(report: ConnectionReport) -> Self {
        let remedy = report.remedy();
        let failure = report.failure;
        Self {
            ok: failure.is_none(),
            took_ms: u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
            models: report.models,
            error_class: failure.as_ref().map(|failure| failure.class),
            status: failure.as_ref().and_then(|failure| failure.status),
            message: failure.map(|failure| failure.message),
            remedy,
        }
    }
}

/// Test a provider
///
/// Asks the provider for its models, the way live calls go: through the same gate, with the same credential.
///
/// # Errors
/// The organization has no provider of that id. A provider that does not work is no error here.
#[utoipa::path(post, path = "/v1/model-router/providers/{id}/test", tag = "model-router",
    operation_id = "testProvider", security(("bearer" = []), ("x-api-key" = [])),
    params(("id" = uuid::Uuid, Path, description = "The provider")),
    responses((status = 200, description = "What was found out", body = ConnectionResponse), (status = 404)))]
pub async fn test(
    caller: Caller<RouterManage>,
    path: web::Path<String>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let id = path_id(WHAT, &path)?;
    let organization = &caller.organization;
    let provider = organization.providers.get(&id).ok_or_else(|| Error::absent(WHAT, id))?;
    let _place = gateway.shares.of(organization.id).request()?;
    let report = gateway.test_connection(organization.id, provider).await;
    Ok(HttpResponse::Ok().json(ConnectionResponse::from(report)))
}
