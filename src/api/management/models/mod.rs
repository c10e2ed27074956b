//! `/v1/model-router/models`: the organization's model catalog.

mod body;
mod response;

use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};

pub use body::{ModelChangeBody, NewModelBody};
pub use response::{Cooldown, ModelPrice, ModelResponse};

use crate::api::management::checks::path_id;
use crate::api::management::page::{CursorPage, PageParameters, Size, requested};
use crate::api::management::query::QueryParameters;
use crate::auth::api::api_caller::{ApiCaller, RouterManage, RouterRead};
use crate::domain::error::{Error, Result};
use crate::gateway::Gateway;
use crate::http::body_reader::BodyReader;
use crate::store::{ModelFilter, Store};

/// The name of the resource in messages.
const WHAT: &str = "model";

/// The name of the list. Its cursors are valid for this list only.
const LIST: &str = "models";

/// List models
///
/// The organization's models, newest first.
///
/// # Errors
/// A parameter is unknown, sent twice or out of range; the cursor belongs to another list.
#[utoipa::path(get, path = "",
    params(PageParameters,
        ("name" = Option<String>, Query, description = "The model with this name"),
        ("provider_id" = Option<uuid::Uuid>, Query, description = "Only models of this provider"),
        ("enabled" = Option<bool>, Query, description = "Only models that are enabled, or only those that are not")),
    responses((status = 200, body = CursorPage<ModelResponse>)))]
pub async fn list(
    caller: ApiCaller<RouterRead>,
    request: HttpRequest,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let data = store.organization(&caller.tenant);
    let mut query = QueryParameters::parse(request.query_string());
    let filter = ModelFilter {
        name: query.model_name("name"),
        provider_id: query.id("provider_id"),
        enabled: query.boolean("enabled"),
        ..ModelFilter::default()
    };
    let page = requested(query, &data, LIST, Size::PAGE)?;
    let shown = |row| ModelResponse::from(row).with_cooldown(&caller.organization, &gateway);
    let page = data.model_list(&filter, &page).await?.map(shown);
    Ok(HttpResponse::Ok().json(CursorPage::new(&data, LIST, page)))
}

/// Add a model
///
/// Requests can use it immediately.
///
/// # Errors
/// A field is invalid; the name is taken.
#[utoipa::path(post, path = "", request_body = NewModelBody,
    responses((status = 201, body = ModelResponse), (status = 409, description = "The name is taken")))]
pub async fn create(
    caller: ApiCaller<RouterManage>,
    request: HttpRequest,
    payload: web::Payload,
    store: web::Data<Store>,
    reader: web::Data<BodyReader>,
) -> Result<HttpResponse> {
    let body = reader.read_management(caller.organization.id, &request, payload).await?;
    let new = body::parse_new(&body.bytes)?;
    let row = store.organization(&caller.tenant).model_create(new).await?;
    let location = format!("/v1/model-router/models/{}", row.id);
    Ok(HttpResponse::Created().insert_header((LOCATION, location)).json(ModelResponse::from(row)))
}

/// Read a model
///
/// One model.
///
/// # Errors
/// The organization has no model with this id.
#[utoipa::path(get, path = "", responses((status = 200, body = ModelResponse)))]
pub async fn read(
    caller: ApiCaller<RouterRead>,
    path: web::Path<String>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let id = path_id(WHAT, &path)?;
    let row = store.organization(&caller.tenant).model_find(id).await?;
    let row = row.ok_or_else(|| Error::absent(WHAT, id))?;
    Ok(HttpResponse::Ok().json(ModelResponse::from(row).with_cooldown(&caller.organization, &gateway)))
}

/// Change a model
///
/// Absent fields stay as they are. The change takes effect immediately.
///
/// # Errors
/// The organization has no model with this id; a field is invalid; the name is taken.
#[utoipa::path(patch, path = "", request_body = ModelChangeBody,
    responses((status = 200, body = ModelResponse), (status = 409, description = "The name is taken")))]
pub async fn change(
    caller: ApiCaller<RouterManage>,
    path: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
    store: web::Data<Store>,
    reader: web::Data<BodyReader>,
) -> Result<HttpResponse> {
    let body = reader.read_management(caller.organization.id, &request, payload).await?;
    let id = path_id(WHAT, &path)?;
    let row = store.organization(&caller.tenant).model_change(id, body::parse_change(&body.bytes)?).await?;
    let row = row.ok_or_else(|| Error::absent(WHAT, id))?;
    Ok(HttpResponse::Ok().json(ModelResponse::from(row)))
}

/// Delete a model
///
/// A model that a fallback list uses cannot be deleted.
///
/// # Errors
/// The organization has no model with this id; a fallback list uses it.
#[utoipa::path(delete, path = "",
    responses((status = 204), (status = 409, description = "A fallback list uses the model")))]
pub async fn delete(
    caller: ApiCaller<RouterManage>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let id = path_id(WHAT, &path)?;
    let deleted = store.organization(&caller.tenant).model_delete(id).await?;
    deleted.ok_or_else(|| Error::absent(WHAT, id))?;
    Ok(HttpResponse::NoContent().finish())
}

/// End a model's cooldown
///
/// The next request calls the model again, in every process. Has no effect on a model without a cooldown.
///
/// # Errors
/// The organization has no model with this id.
#[utoipa::path(delete, path = "",
    operation_id = "endModelCooldown",
    responses((status = 200, description = "The model, without a cooldown", body = ModelResponse)))]
pub async fn end_cooldown(
    caller: ApiCaller<RouterManage>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let id = path_id(WHAT, &path)?;
    let row = store.organization(&caller.tenant).model_end_cooldown(id).await?;
    let row = row.ok_or_else(|| Error::absent(WHAT, id))?;
    Ok(HttpResponse::Ok().json(ModelResponse::from(row)))
}
