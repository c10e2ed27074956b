//! `PATCH /v1/model-router/models/{id}`.

use actix_web::{HttpRequest, HttpResponse, web};

use super::{ModelChangeBody, ModelResponse, WHAT, body};
use crate::api::json_fields::{Change, Fields};
use crate::api::management::checks::{Need, path_id};
use crate::auth::api::api_caller::{Caller, RouterManage};
use crate::domain::error::{Error, Result};
use crate::http::body_reader::BodyReader;
use crate::store::{ModelChange, PriceFields, Store};

/// Change a model
///
/// What is left out stays. In force at once.
///
/// # Errors
/// The organization has no model of that id; a field is refused; the name is taken.
#[utoipa::path(patch, path = "/v1/model-router/models/{id}", tag = "model-router",
    operation_id = "changeModel", security(("bearer" = []), ("x-api-key" = [])),
    params(("id" = uuid::Uuid, Path, description = "The model")),
    request_body = ModelChangeBody,
    responses((status = 200, description = "As it is now", body = ModelResponse), (status = 404),
        (status = 409, description = "The name is taken"), (status = 422)))]
pub async fn change(
    caller: Caller<RouterManage>,
    path: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
    store: web::Data<Store>,
    reader: web::Data<BodyReader>,
) -> Result<HttpResponse> {
    let body = reader.read_management(caller.organization.id, &request, payload).await?;
    let id = path_id(WHAT, &path)?;
    let row = store.organization(&caller.tenant).model_change(id, parse(&body.bytes)?).await?;
    let row = row.ok_or_else(|| Error::absent(WHAT, id))?;
    Ok(HttpResponse::Ok().json(ModelResponse::from(row)))
}

fn parse(bytes: &[u8]) -> Result<ModelChange> {
    let mut fields = Fields::parse(bytes)?;
    let said = body::read(&mut fields, Need::Optional);
    fields.finish()?;
    Ok(ModelChange {
        seen: None,
        name: said.name,
        provider_id: said.provider_id,
        upstream_model: said.upstream_model,
        context_window: said.context_window.into_option(),
        max_output_tokens: said.max_output_tokens.into_option(),
        capabilities: match said.capabilities {
            Change::Keep => None,
            // Nothing of its own is everything left to the table.
            Change::Clear => Some(Default::default()),
            Change::Set(capabilities) => Some(capabilities),
        },
        price: said.price.into_option().map(|price| price.map(PriceFields::from)),
        parameter_rules: said.parameter_rules.into_option(),
        first_frame_timeout_ms: said.first_frame_timeout_ms.into_option(),
        answer_timeout_ms: said.answer_timeout_ms.into_option(),
        num_retries: said.num_retries.into_option(),
        enabled: said.enabled,
    })
}
