//! `PATCH /v1/model-router/providers/{id}`.

use actix_web::{HttpRequest, HttpResponse, web};
use entity::ids::ProviderId;

use super::{ProviderChangeBody, ProviderResponse, WHAT, body};
use crate::api::json_fields::{Change, Fields};
use crate::api::management::checks::{Need, path_id};
use crate::auth::api::api_caller::{Caller, RouterManage};
use crate::domain::error::{Error, Result};
use crate::gateway::Gateway;
use crate::http::body_reader::BodyReader;
use crate::providers::preset;
use crate::store::{ProviderChange, ProviderRow, Store};
use crate::upstream::Gate;

/// Change a provider
///
/// What is left out stays. In force at once.
///
/// # Errors
/// The organization has no provider of that id; a field is refused; the name is taken.
#[utoipa::path(patch, path = "/v1/model-router/providers/{id}", tag = "model-router",
    operation_id = "changeProvider", security(("bearer" = []), ("x-api-key" = [])),
    params(("id" = uuid::Uuid, Path, description = "The provider")),
    request_body = ProviderChangeBody,
    responses((status = 200, description = "As it is now", body = ProviderResponse), (status = 404),
        (status = 409, description = "The name is taken"), (status = 422)))]
pub async fn change(
    caller: Caller<RouterManage>,
    path: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
    reader: web::Data<BodyReader>,
) -> Result<HttpResponse> {
    let body = reader.read_management(caller.organization.id, &request, payload).await?;
    let id: ProviderId = path_id(WHAT, &path)?;
    let absent = || Error::absent(WHAT, id);
    let data = store.organization(&caller.tenant);
    let before = data.provider_find(id).await?.ok_or_else(absent)?;
    let to = parse(&body.bytes, &before, gateway.upstream.gate())?;
    let after = data.provider_change(id, to).await?.ok_or_else(absent)?;
    Ok(HttpResponse::Ok().json(ProviderResponse::from(after)))
}

fn parse(bytes: &[u8], before: &ProviderRow, gate: &Gate) -> Result<ProviderChange> {
    let mut fields = Fields::parse(bytes)?;
    let said = body::read(&mut fields, Need::Optional);
    let new_preset = said.preset.or_else(|| preset(&before.preset));
    // What fitted together before is not questioned again by a change of something else.
    let preset_changes = said.preset.is_some_and(|preset| preset.name != before.preset);
    if let (Some(preset), Some(base_url)) = (new_preset, &said.base_url)
        && (preset_changes || *base_url != Change::Keep)
    {
        let kept = before.base_url.as_deref();
        let base_url = match base_url {
            Change::Keep => kept,
            Change::Clear => None,
            Change::Set(address) => Some(address.as_str()),
        };
        body::check_address(&mut fields, gate, preset, base_url);
    }
    match (new_preset, &said.credential) {
        (Some(preset), Some(Change::Set(credential))) => {
            body::check_credential(&mut fields, preset, Some(credential));
        }
        (Some(preset), Some(Change::Clear)) => body::check_credential(&mut fields, preset, None),
        // A stored credential is the store's to refuse: it must not follow its provider elsewhere.
        (Some(preset), Some(Change::Keep)) if preset_changes && !before.has_credential => {
            body::check_credential(&mut fields, preset, None);
        }
        (Some(_), Some(Change::Keep)) | (None, _) | (_, None) => {}
    }
    fields.finish()?;
    Ok(ProviderChange {
        seen: None,
        name: said.name,
        preset: said.preset.map(|preset| preset.name.to_owned()),
        base_url: said.base_url.and_then(Change::into_option),
        credential: said.credential.and_then(Change::into_option),
        stream_options: said.stream_options,
    })
}
