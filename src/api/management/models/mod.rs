//! `/v1/model-router/models`: the organization's model catalog.

mod body;
mod response;

use actix_web::{HttpResponse, web};

pub use body::{ModelChangeBody, NewModelBody};
pub use response::{Cooldown, ModelResponse};

use crate::api::management::call::{Call, deleted, found};
use crate::api::management::checks::with_unknown_provider;
use crate::api::management::page::{CursorPage, PageParameters};
use crate::auth::api::api_caller::{RouterManage, RouterRead};
use crate::domain::error::Result;
use crate::domain::operation::ModelKind;
use crate::gateway::Gateway;
use crate::store::ModelFilter;

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
        ("kind" = Option<ModelKind>, Query, description = "Only models of this kind"),
        ("enabled" = Option<bool>, Query, description = "Only models that are enabled, or only those that are not")),
    responses((status = 200, body = CursorPage<ModelResponse>)))]
pub async fn list(call: Call<RouterRead>, gateway: web::Data<Gateway>) -> Result<HttpResponse> {
    let mut query = call.query();
    let filter = ModelFilter {
        name: query.model_name("name"),
        provider_id: query.id("provider_id"),
        kind: query.one_of("kind", &ModelKind::ALL),
        enabled: query.boolean("enabled"),
        ..ModelFilter::default()
    };
    let page = call.page_request(query, LIST)?;
    let shown = |row| ModelResponse::from(row).with_cooldown(&call.caller.organization, &gateway);
    Ok(call.page(LIST, call.data.model_list(&filter, &page).await?.map(shown)))
}

/// Add a model
///
/// Requests can use it immediately.
///
/// # Errors
/// A field is invalid; the name is taken.
#[utoipa::path(post, path = "", request_body = NewModelBody,
    responses((status = 201, body = ModelResponse), (status = 409, description = "The name is taken")))]
pub async fn create(call: Call<RouterManage>, payload: web::Payload) -> Result<HttpResponse> {
    let body = call.body(payload).await?;
    let new = with_unknown_provider(body::parse_new(&body.bytes), &body.bytes, &call.data).await?;
    let row = call.data.model_create(new).await?;
    Ok(call.created(row.id).json(ModelResponse::from(row)))
}

/// Read a model
///
/// One model.
///
/// # Errors
/// The organization has no model with this id.
#[utoipa::path(get, path = "", responses((status = 200, body = ModelResponse)))]
pub async fn read(call: Call<RouterRead>, gateway: web::Data<Gateway>) -> Result<HttpResponse> {
    let id = call.id(WHAT)?;
    let row = found(WHAT, id, call.data.model_find(id).await?)?;
    Ok(HttpResponse::Ok().json(ModelResponse::from(row).with_cooldown(&call.caller.organization, &gateway)))
}

/// Change a model
///
/// Absent fields stay as they are. The change takes effect immediately.
///
/// # Errors
/// The organization has no model with this id; a field is invalid; the name is taken; the kind of a model in a fallback list
/// would change.
#[utoipa::path(patch, path = "", request_body = ModelChangeBody,
    responses((status = 200, body = ModelResponse), (status = 409, description = "The name is taken, or a fallback list uses the model and its kind would change")))]
pub async fn change(call: Call<RouterManage>, payload: web::Payload) -> Result<HttpResponse> {
    let body = call.body(payload).await?;
    let id = call.id(WHAT)?;
    let to = with_unknown_provider(body::parse_change(&body.bytes), &body.bytes, &call.data).await?;
    let row = found(WHAT, id, call.data.model_change(id, None, |model| to.apply(model)).await?)?;
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
pub async fn delete(call: Call<RouterManage>) -> Result<HttpResponse> {
    let id = call.id(WHAT)?;
    found(WHAT, id, call.data.model_delete(id).await?)?;
    Ok(deleted())
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
pub async fn end_cooldown(call: Call<RouterManage>) -> Result<HttpResponse> {
    let id = call.id(WHAT)?;
    let row = found(WHAT, id, call.data.model_end_cooldown(id).await?)?;
    Ok(HttpResponse::Ok().json(ModelResponse::from(row)))
}
