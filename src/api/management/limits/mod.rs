//! `/v1/model-router/limits`: how many requests and tokens the organization may use, of all models and of each.
//!
//! Reading needs the scope `router:read`, changing needs `budgets:manage`. A key with any limit widens none of these.

pub mod fields;

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::body::{Body as _, Patch, body};
use crate::api::management::call::Call;
use crate::auth::api::api_caller::{BudgetsManage, RouterRead};
use crate::domain::error::{Error, Result};
use crate::store::{Limits, LimitsChange, ModelLimits, unknown_limited_models};
use fields::{LimitFields, LimitsByModel, limited_models};

/// Limits of requests and tokens.
#[derive(Debug, Serialize, ToSchema)]
pub struct LimitsResponse {
    /// Requests per minute; null: no limit.
    #[schema(required)]
    requests_per_minute: Option<i64>,
    /// Requests per UTC day; null: no limit.
    #[schema(required)]
    requests_per_day: Option<i64>,
    /// Tokens per minute, of prompts and answers together; null: no limit.
    #[schema(required)]
    tokens_per_minute: Option<i64>,
    /// Tokens per UTC day, of prompts and answers together; null: no limit.
    #[schema(required)]
    tokens_per_day: Option<i64>,
    /// Concurrent requests; null: no limit.
    #[schema(required)]
    concurrent_requests: Option<i64>,
}

impl From<Limits> for LimitsResponse {
    fn from(limits: Limits) -> Self {
        Self {
            requests_per_minute: limits.requests_per_minute,
            requests_per_day: limits.requests_per_day,
            tokens_per_minute: limits.tokens_per_minute,
            tokens_per_day: limits.tokens_per_day,
            concurrent_requests: limits.concurrent_requests,
        }
    }
}

/// The limits of models in a response.
pub fn by_model(limits: ModelLimits) -> BTreeMap<String, LimitsResponse> {
    limits.0.into_iter().map(|(model, limits)| (model, limits.into())).collect()
}

/// The limits of the organization.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganizationLimitsResponse {
    /// The limits of all models together.
    #[serde(flatten)]
    limits: LimitsResponse,
    /// The limits of single models, by their names.
    model_limits: BTreeMap<String, LimitsResponse>,
}

impl OrganizationLimitsResponse {
    fn new((limits, models): (Limits, ModelLimits)) -> Self {
        Self { limits: limits.into(), model_limits: by_model(models) }
    }
}

body! {
    /// A change of the organization's limits. Absent fields stay as they are.
    pub struct OrganizationLimitsBody {
        limits: LimitFields,
        /// Limits of single models by their names, in place of all earlier ones; null: none.
        model_limits: Patch<LimitsByModel>,
    }
}

/// Read the organization's limits
///
/// How many requests and tokens all keys of the organization may use together, of all models and of each.
///
/// # Errors
/// The key lacks the scope.
#[utoipa::path(get, path = "", operation_id = "readOrganizationLimits",
    responses((status = 200, body = OrganizationLimitsResponse)))]
pub async fn read(call: Call<RouterRead>) -> Result<HttpResponse> {
    Ok(HttpResponse::Ok().json(OrganizationLimitsResponse::new(call.data.limits_find().await?)))
}

/// Change the organization's limits
///
/// Absent fields stay as they are. The change takes effect immediately, and what was used in the minute or the day
/// counts. A key with any limit of its own widens none of these.
///
/// # Errors
/// A field is invalid; a model does not exist; the calling key may not widen a limit.
#[utoipa::path(patch, path = "", operation_id = "changeOrganizationLimits", request_body = OrganizationLimitsBody,
    responses((status = 200, body = OrganizationLimitsResponse)))]
pub async fn change(call: Call<BudgetsManage>, payload: web::Payload) -> Result<HttpResponse> {
    let body = call.body(payload).await?;
    let known = |name: &str| call.caller.organization.models.contains_key(name);
    let to = parse_change(&body.bytes).map_err(|error| with_unknown_models(error, &body.bytes, known))?;
    Ok(HttpResponse::Ok().json(OrganizationLimitsResponse::new(call.data.limits_change(&to).await?)))
}

/// Adds the unknown models of an invalid body, so that one answer has all of its faults. The store checks a valid one.
fn with_unknown_models(error: Error, bytes: &[u8], known: impl Fn(&str) -> bool) -> Error {
    let Error::Invalid(mut violations) = error else { return error };
    let body: Value = serde_json::from_slice(bytes).unwrap_or_default();
    violations.extend(unknown_limited_models(limited_models(&body), known));
    Error::Invalid(violations)
}

fn parse_change(bytes: &[u8]) -> Result<LimitsChange> {
    let OrganizationLimitsBody { limits, model_limits } = OrganizationLimitsBody::parse(bytes)?;
    Ok(LimitsChange {
        requests_per_minute: limits.requests_per_minute.into_option(),
        requests_per_day: limits.requests_per_day.into_option(),
        tokens_per_minute: limits.tokens_per_minute.into_option(),
        tokens_per_day: limits.tokens_per_day.into_option(),
        concurrent_requests: limits.concurrent_requests.into_option(),
        model_limits: model_limits.into_option().map(Option::unwrap_or_default),
    })
}
