//! `POST /v1/model-router/models`.

use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};

use super::{ModelResponse, NewModelBody, body};
use crate::api::json_fields::Fields;
use crate::api::management::checks::Need;
use crate::auth::api::api_caller::{Caller, RouterManage};
use crate::domain::error::{Error, Result};
use crate::http::body_reader::BodyReader;
use crate::store::{ModelFields, PriceFields, Store};

/// Add a model
///
/// Requests can ask for it at once.
///
/// # Errors
/// A field is refused; the name is taken.
#[utoipa::path(post, path = "/v1/model-router/models", tag = "model-router",
    operation_id = "createModel", security(("bearer" = []), ("x-api-key" = [])),
    request_body = NewModelBody,
    responses((status = 201, description = "What was made", body = ModelResponse, headers(("location" = String, description = "The model's path"))),
        (status = 409, description = "The name is taken"), (status = 422)))]
pub async fn create(
    caller: Caller<RouterManage>,
    request: HttpRequest,
    payload: web::Payload,
    store: web::Data<Store>,
    reader: web::Data<BodyReader>,
) -> Result<HttpResponse> {
    let body = reader.read_management(caller.organization.id, &request, payload).await?;
    let new = parse(&body.bytes)?;
    let row = store.organization(&caller.tenant).model_create(new).await?;
    let location = format!("/v1/model-router/models/{}", row.id);
    Ok(HttpResponse::Created().insert_header((LOCATION, location)).json(ModelResponse::from(row)))
}

fn parse(bytes: &[u8]) -> Result<ModelFields> {
    let mut fields = Fields::parse(bytes)?;
    let said = body::read(&mut fields, Need::Required);
    fields.finish()?;
    // What is required and not there has been refused.
    let lost = || Error::internal("a required field got lost");
    let name = said.name.ok_or_else(lost)?;
    Ok(ModelFields {
        upstream_model: said.upstream_model.unwrap_or_else(|| name.clone()),
        name,
        provider_id: said.provider_id.ok_or_else(lost)?,
        context_window: said.context_window.value(),
        max_output_tokens: said.max_output_tokens.value(),
        capabilities: said.capabilities.value().unwrap_or_default(),
        price: said.price.value().map(PriceFields::from),
        parameter_rules: said.parameter_rules.value(),
        first_frame_timeout_ms: said.first_frame_timeout_ms.value(),
        answer_timeout_ms: said.answer_timeout_ms.value(),
        num_retries: said.num_retries.value(),
        enabled: said.enabled.unwrap_or(true),
    })
}
