//! `POST /v1/model-router/error-mappings`.

use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};

use super::{ErrorMappingResponse, NewErrorMappingBody, body};
use crate::auth::api::api_caller::{Caller, RouterManage};
use crate::domain::error::Result;
use crate::http::body_reader::BodyReader;
use crate::store::Store;

/// Create an error mapping
///
/// Providers change the wording of their errors, and one that no rule knows is only `invalid_request`. A mapping says
/// what the sentence means, for this organization alone, before the installation's own sentences are asked. In force at
/// once: the next failure with it uses the list of its class.
///
/// # Errors
/// A field is refused; the same sentences are mapped already; the organization has 200 mappings.
#[utoipa::path(post, path = "/v1/model-router/error-mappings", tag = "model-router",
    operation_id = "createErrorMapping", security(("bearer" = []), ("x-api-key" = [])),
    request_body = NewErrorMappingBody,
    responses((status = 201, description = "What was made", body = ErrorMappingResponse, headers(("location" = String, description = "The mapping's path"))),
        (status = 409, description = "The same sentences are mapped already, or there are 200 mappings"), (status = 422)))]
pub async fn create(
    caller: Caller<RouterManage>,
    request: HttpRequest,
    payload: web::Payload,
    store: web::Data<Store>,
    reader: web::Data<BodyReader>,
) -> Result<HttpResponse> {
    let body = reader.read_management(caller.organization.id, &request, payload).await?;
    let new = body::parse(&body.bytes)?;
    let row = store.organization(&caller.tenant).error_mapping_create(new).await?;
    let location = format!("/v1/model-router/error-mappings/{}", row.id);
    let mapping = ErrorMappingResponse::from(row);
    Ok(HttpResponse::Created().insert_header((LOCATION, location)).json(mapping))
}
