//! `POST /v1/model-router/providers`.

use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};

use super::{NewProviderBody, ProviderResponse, body};
use crate::api::json_fields::{Change, Fields};
use crate::api::management::checks::Need;
use crate::auth::api::api_caller::{Caller, RouterManage};
use crate::domain::error::{Error, Result};
use crate::gateway::Gateway;
use crate::http::body_reader::BodyReader;
use crate::store::{NewProvider, Store};
use crate::upstream::Gate;

/// Add a provider
///
/// Its models can be added at once.
///
/// # Errors
/// A field is refused; the name is taken.
#[utoipa::path(post, path = "/v1/model-router/providers", tag = "model-router",
    operation_id = "createProvider", security(("bearer" = []), ("x-api-key" = [])),
    request_body = NewProviderBody,
    responses((status = 201, description = "What was made", body = ProviderResponse, headers(("location" = String, description = "The provider's path"))),
        (status = 409, description = "The name is taken"), (status = 422)))]
pub async fn create(
    caller: Caller<RouterManage>,
    request: HttpRequest,
    payload: web::Payload,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
    reader: web::Data<BodyReader>,
) -> Result<HttpResponse> {
    let body = reader.read_management(caller.organization.id, &request, payload).await?;
    let new = parse(&body.bytes, gateway.upstream.gate())?;
    let row = store.organization(&caller.tenant).provider_create(new).await?;
    let location = format!("/v1/model-router/providers/{}", row.id);
    Ok(HttpResponse::Created().insert_header((LOCATION, location)).json(ProviderResponse::from(row)))
}

fn parse(bytes: &[u8], gate: &Gate) -> Result<NewProvider> {
    let mut fields = Fields::parse(bytes)?;
    let said = body::read(&mut fields, Need::Required);
    let base_url = said.base_url.map(Change::value);
    let credential = said.credential.map(Change::value);
    if let (Some(preset), Some(base_url)) = (said.preset, &base_url) {
        body::check_address(&mut fields, gate, preset, base_url.as_deref());
    }
    if let (Some(preset), Some(credential)) = (said.preset, &credential) {
        body::check_credential(&mut fields, preset, credential.as_ref());
    }
    fields.finish()?;
    // What is required and not there has been refused.
    let lost = || Error::internal("a required field got lost");
    Ok(NewProvider {
        name: said.name.ok_or_else(lost)?,
        preset: said.preset.ok_or_else(lost)?.name.to_owned(),
        base_url: base_url.flatten(),
        credential: credential.flatten(),
        stream_options: said.stream_options.unwrap_or_default(),
    })
}
