//! `GET /v1/models` and `GET /v1/models/{id}`: the models that the key may use.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use crate::api::anthropic;
use crate::api::anthropic::models::{AnthropicModel, AnthropicModelList, PageQuery};
use crate::auth::api::api_caller::{ApiCaller, Inference};
use crate::dialects::Dialect;
use crate::domain::error::{Error, Result};
use crate::gateway::request::chat_request::meant;
use crate::store::snapshot::ModelEntry;

/// A model in OpenAI's shape.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Model {
    /// The model's catalog name.
    id: String,
    /// The type, always `model`.
    object: &'static str,
    /// When it was added, in Unix seconds.
    created: i64,
    /// The provider's catalog name.
    owned_by: String,
}

/// A list in OpenAI's shape.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ModelList {
    /// The type, always `list`.
    object: &'static str,
    /// The models, sorted by name.
    data: Vec<Model>,
}

/// Lists the models that the key may use.
///
/// A caller who sends `anthropic-version` gets a page in Anthropic's shape instead, with `limit` (20 without it),
/// `after_id` and `before_id`.
///
/// # Errors
/// The key is missing, invalid or lacks the scope; the query is not valid.
#[utoipa::path(get, path = "",
    params(
        ("anthropic-version" = Option<String>, Header, description = "Asks for the list in Anthropic's shape")),
    responses((status = 200, description = "The models that the key may use", body = ModelList)))]
pub async fn list(caller: ApiCaller<Inference>, request: HttpRequest) -> Result<HttpResponse> {
    let anthropic = anthropic::models::is_wanted(&request);
    let models = caller.organization.models.values().map(|model| &**model);
    let mut models: Vec<&ModelEntry> = models.filter(|model| visible(&caller, model)).collect();
    models.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    if anthropic {
        let query = web::Query::<PageQuery>::from_query(request.query_string());
        let query = query.map_err(|_| {
            Error::refused(Some("limit"), "invalid_value", "The query must hold 'limit' as a whole number.")
        })?;
        return Ok(HttpResponse::Ok().json(AnthropicModelList::page(&models, &query)?));
    }
    let data = models.into_iter().map(shape).collect();
    Ok(HttpResponse::Ok().json(ModelList { object: "list", data }))
}

/// One model.
///
/// # Errors
/// As [`list`]; 404 if there is no such model or the key may not use it.
#[utoipa::path(get, path = "",
    params(("id" = String, Path, description = "The catalog name; it may contain slashes, as they are or as %2F")),
    responses((status = 200, description = "The model", body = Model), (status = 404, description = "No such model")))]
pub async fn read(
    caller: ApiCaller<Inference>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse> {
    let anthropic = anthropic::models::is_wanted(&request);
    let name = path.into_inner();
    let name = if anthropic { meant(Dialect::Messages, name) } else { name };
    match caller.organization.models.get(&name) {
        Some(model) if visible(&caller, model) => Ok(match anthropic {
            true => HttpResponse::Ok().json(AnthropicModel::from(&**model)),
            false => HttpResponse::Ok().json(shape(model)),
        }),
        Some(_) | None => {
            Err(Error::ModelUnknown { model: name, fallbacks: Vec::new(), available: Vec::new() })
        }
    }
}

fn visible(caller: &ApiCaller<Inference>, model: &ModelEntry) -> bool {
    model.enabled && caller.key.allows_model(&model.name)
}

fn shape(model: &ModelEntry) -> Model {
    Model {
        id: model.name.to_string(),
        object: "model",
        created: model.created_at.timestamp(),
        owned_by: model.provider.name.to_string(),
    }
}
