//! `GET /fallback`: the list that LiteLLM lacks.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::{Fallback, fallback_type, parameter};
use crate::auth::api::api_caller::{Caller, RouterRead};
use crate::domain::error::Result;
use crate::domain::fallback_type::FallbackType;
use crate::store::{FallbackFilter, Store};

/// The query's filters.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filters {
    /// Only lists of that type.
    #[param(required = false)]
    pub fallback_type: Option<FallbackType>,
    /// Only lists of the model of that name.
    #[param(required = false)]
    pub model: Option<String>,
}

impl Filters {
    fn of_query(query: &str) -> Result<Self> {
        Ok(Self { fallback_type: fallback_type(query)?, model: parameter(query, "model")? })
    }
}

/// Configurations in force.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct FallbackList {
    /// By model name, then type. There are never more than three of a model.
    fallbacks: Vec<Fallback>,
}

/// List fallback lists
///
/// Every list in force, or those that the filters leave.
///
/// # Errors
/// A filter is not understood (422).
#[utoipa::path(get, path = "/fallback", operation_id = "listFallbacks", tag = "fallbacks", params(Filters),
    security(("bearer" = []), ("x-api-key" = [])),
    responses((status = 200, description = "The lists in force", body = FallbackList), (status = 422, description = "An unknown `fallback_type`")))]
pub async fn list(
    caller: Caller<RouterRead>,
    request: HttpRequest,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let Filters { fallback_type, model } = Filters::of_query(request.query_string())?;
    let filter = FallbackFilter { fallback_type, model };
    let rows = store.organization(&caller.tenant).fallback_list(&filter).await?;
    let fallbacks = rows.into_iter().map(Fallback::from).collect();
    Ok(HttpResponse::Ok().json(FallbackList { fallbacks }))
}
