//! `PATCH /v1/identity/api-keys/{id}`.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use entity::ids::ApiKeyId;

use super::{ApiKeyChangeBody, ApiKeyResponse, WHAT, body};
use crate::api::json_fields::Fields;
use crate::api::management::checks::{Need, path_id};
use crate::auth::api::api_caller::{Caller, KeysManage};
use crate::domain::clock::Clock;
use crate::domain::error::{Error, Result};
use crate::http::body_reader::BodyReader;
use crate::store::{ApiKeyChange, Store};

/// Change an API key
///
/// What is left out stays. In force at once. A key gives no key more than it has, itself included: neither scopes and
/// models nor wider limits, a later end or a larger budget. A key that is limited itself, in requests or by a budget, gives
/// no other key more calls of models: what that one uses would not count against it.
///
/// # Errors
/// The organization has no key of that id; it is revoked; a field is refused; the calling key lacks what it would
/// give.
#[utoipa::path(patch, path = "/v1/identity/api-keys/{id}", tag = "identity",
    operation_id = "changeApiKey", security(("bearer" = []), ("x-api-key" = [])),
    params(("id" = uuid::Uuid, Path, description = "The key's id")),
    request_body = ApiKeyChangeBody,
    responses((status = 200, description = "As it is now", body = ApiKeyResponse), (status = 404),
        (status = 409, description = "It is revoked"), (status = 422)))]
pub async fn change(
    caller: Caller<KeysManage>,
    path: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
    store: web::Data<Store>,
    reader: web::Data<BodyReader>,
    clock: web::Data<Clock>,
) -> Result<HttpResponse> {
    let body = reader.read_management(caller.organization.id, &request, payload).await?;
    let id: ApiKeyId = path_id(WHAT, &path)?;
    let absent = || Error::absent(WHAT, id);
    let data = store.organization(&caller.tenant);
    data.api_key_find(id).await?.ok_or_else(absent)?;
    let to = parse(&body.bytes, clock.now())?;
    let row = data.api_key_change(id, to).await?.ok_or_else(absent)?;
    Ok(HttpResponse::Ok().json(ApiKeyResponse::new(row, &caller.organization.last_uses())))
}

fn parse(bytes: &[u8], now: DateTime<Utc>) -> Result<ApiKeyChange> {
    let mut fields = Fields::parse(bytes)?;
    let said = body::read(&mut fields, Need::Optional, now);
    fields.finish()?;
    let words = |scopes: Vec<_>| scopes.iter().map(ToString::to_string).collect();
    Ok(ApiKeyChange {
        seen: None,
        name: said.name,
        scopes: said.scopes.map(words),
        models: said.models.into_option(),
        requests_per_minute: said.requests_per_minute.into_option(),
        concurrent_requests: said.concurrent_requests.into_option(),
        expires_at: said.expires_at.into_option(),
    })
}
