//! Reads the body of a call for its endpoint. The endpoints that call models and `explain` share it.

use std::sync::Arc;

use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderName};
use bytes::Bytes;

use crate::dialects::Endpoint;
use crate::domain::error::Result;
use crate::domain::operation::Operation;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::request::form::Form;
use crate::gateway::request::passed_headers::PassedHeaders;
use crate::limits::shares::Share;
use crate::store::snapshot::OrganizationSnapshot;

/// Reads a body for an endpoint, and the headers that reach providers with it. `named` is the model in the path.
///
/// # Errors
/// 400 with what is wrong with the body or a header.
pub async fn read(
    endpoint: Endpoint,
    share: &Share,
    named: Option<String>,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<ChatRequest> {
    let Endpoint { dialect, operation } = endpoint;
    let request = if operation.takes_form() {
        let form = Form::parse(only(headers, &CONTENT_TYPE).unwrap_or_default(), body)?;
        ChatRequest::of_form(operation, named.as_deref(), form)?
    } else if operation == Operation::Chat && named.is_none() {
        ChatRequest::read(share, dialect.dialect(), body).await?
    } else {
        ChatRequest::read_operation(share, operation, named, body).await?
    };
    with_headers(request, headers)
}

/// As [`read`], for the endpoint that calls models of the kind of the body's first one. A form is a recording.
///
/// # Errors
/// As [`read`].
pub async fn read_by_model(
    organization: Arc<OrganizationSnapshot>,
    share: &Share,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<ChatRequest> {
    if is_form(headers) {
        return read(Endpoint::of(Operation::Transcriptions), share, None, headers, body).await;
    }
    let operation = move |name: &str| {
        let model = organization.models.get(name);
        model.map_or(Operation::Chat, |model| model.settings.kind.operation())
    };
    let request = ChatRequest::read_by_model(share, operation, body).await?;
    if request.operation.takes_form() {
        // It is refused, as by its endpoint.
        return read(Endpoint::of(request.operation), share, None, headers, request.body).await;
    }
    with_headers(request, headers)
}

fn with_headers(mut request: ChatRequest, headers: &HeaderMap) -> Result<ChatRequest> {
    let sent = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    request.passed = PassedHeaders::of(request.dialect, sent)?;
    Ok(request)
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = only(headers, &CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
    kind.trim_start().starts_with("multipart/form-data")
}

/// The text of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name);
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}
