//! `POST /v1/identity/api-keys`.

use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret as _;

use super::{ApiKeyResponse, NewApiKeyBody, NewApiKeyResponse, body};
use crate::api::json_fields::Fields;
use crate::api::management::checks::Need;
use crate::auth::api::api_caller::{Caller, KeysManage};
use crate::auth::api::api_key;
use crate::domain::clock::Clock;
use crate::domain::error::{Error, Result};
use crate::http::body_reader::BodyReader;
use crate::store::{NewApiKey, Store};

/// Create an API key
///
/// The answer holds the key, this once. It works at once. It gets nothing that the calling key lacks: no scope or model,
/// no wider limit, no later end. A key that is limited itself, in requests or by a budget, makes no keys that may call
/// models: what those use would not count against it.
///
/// # Errors
/// A field is refused; the calling key lacks what it would give.
#[utoipa::path(post, path = "/v1/identity/api-keys", tag = "identity",
    operation_id = "createApiKey", security(("bearer" = []), ("x-api-key" = [])),
    request_body = NewApiKeyBody,
    responses((status = 201, description = "What was made", body = NewApiKeyResponse, headers(("location" = String, description = "The key's path"))), (status = 422)))]
pub async fn create(
    caller: Caller<KeysManage>,
    request: HttpRequest,
    payload: web::Payload,
    store: web::Data<Store>,
    reader: web::Data<BodyReader>,
    clock: web::Data<Clock>,
) -> Result<HttpResponse> {
    let body = reader.read_management(caller.organization.id, &request, payload).await?;
    let fresh = api_key::generate().map_err(Error::internal)?;
    let hash = store.vault().key_hash(fresh.key.expose_secret());
    let new = parse(&body.bytes, clock.now(), &fresh, hash)?;
    let row = store.organization(&caller.tenant).api_key_create(new).await?;
    let location = format!("/v1/identity/api-keys/{}", row.id);
    let api_key = ApiKeyResponse::new(row, &caller.organization.last_uses());
    let made = NewApiKeyResponse { api_key, key: fresh.key.expose_secret().to_owned() };
    let mut response = HttpResponse::Created();
    Ok(response.insert_header((LOCATION, location)).insert_header((CACHE_CONTROL, "no-store")).json(made))
}

fn parse(bytes: &[u8], now: DateTime<Utc>, fresh: &api_key::NewKey, key_hash: [u8; 32]) -> Result<NewApiKey> {
    let mut fields = Fields::parse(bytes)?;
    let said = body::read(&mut fields, Need::Required, now);
    fields.finish()?;
    // What is required and not there has been refused.
    let lost = || Error::internal("a required field got lost");
    let scopes = said.scopes.ok_or_else(lost)?;
    Ok(NewApiKey {
        name: said.name.ok_or_else(lost)?,
        key_hash,
        prefix: fresh.prefix.clone(),
        last_four: fresh.last_four.clone(),
        scopes: scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
        models: said.models.value(),
        requests_per_minute: said.requests_per_minute.value(),
        concurrent_requests: said.concurrent_requests.value(),
        expires_at: said.expires_at.value(),
        created_by: None,
    })
}
