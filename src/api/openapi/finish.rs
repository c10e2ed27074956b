//! Completes every operation with what follows from its path, so that handlers do not repeat it.

use utoipa::openapi::path::Operation;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, PathItem, Ref, RefOr, Response};

use super::conventions::add_conventions;
use crate::api::error_format::ErrorFormat;
use crate::auth::access::Access;

/// Completes an operation with its credential, its names and its errors.
pub(super) fn finish(operation: &mut Operation, access: Access, method: &str, path: &str) {
    operation.security = security(access);
    cut_rustdoc(operation);
    add_conventions(operation, method, path);
    add_errors(operation, access, path);
}

/// The operations of a path, by method in capitals.
pub(super) fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let PathItem { get, post, put, patch, delete, .. } = item;
    [("GET", get), ("POST", post), ("PUT", put), ("PATCH", patch), ("DELETE", delete)]
        .into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// Removes the `# Errors` section of a handler's documentation, which is for readers of the code.
fn cut_rustdoc(operation: &mut Operation) {
    let text = operation.description.take().unwrap_or_default();
    let text = text.split("# Errors").next().unwrap_or_default().trim();
    operation.description = Some(text.to_owned()).filter(|text| !text.is_empty());
}

/// The security requirement of an operation. Either header is sufficient, and OpenAPI 3.1 allows naming the scopes.
/// An empty list means explicitly that no credential is needed.
fn security(access: Access) -> Option<Vec<SecurityRequirement>> {
    let key = |scope: Option<&'static str>| {
        let scheme = |name: &str| SecurityRequirement::new(name, scope);
        Some(vec![scheme("bearer"), scheme("x-api-key")])
    };
    match access {
        Access::Public | Access::ConsoleUser(_) => Some(Vec::new()),
        Access::Operator => Some(vec![SecurityRequirement::new("metrics", None::<&str>)]),
        Access::Key => key(None),
        Access::Scope(scope) => key(Some(scope.as_str())),
    }
}

/// Adds the errors of authentication and of body reading, and the schema of every error.
fn add_errors(operation: &mut Operation, access: Access, path: &str) {
    let credential: &[_] = match access {
        Access::Public | Access::ConsoleUser(_) => &[],
        Access::Operator | Access::Key => &["401"],
        Access::Scope(_) => &["401", "403"],
    };
    let body: &[_] = if operation.request_body.is_some() { &["413", "415"] } else { &[] };
    for status in credential.iter().chain(body) {
        let responses = &mut operation.responses.responses;
        responses.entry((*status).to_owned()).or_insert_with(|| RefOr::T(Response::new("")));
    }
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if response.description.is_empty() {
            response.description = meaning(status).to_owned();
        }
        if !status.starts_with(['4', '5']) {
            continue;
        }
        let Some(format) = ErrorFormat::of_path(path).filter(|_| response.content.is_empty()) else {
            continue;
        };
        let schema = Ref::from_schema_name(shape(format, status));
        let content = Content::new(Some(RefOr::Ref(schema)));
        response.content.insert("application/json".to_owned(), RefOr::T(content));
    }
}

/// The schema of an error.
fn shape(format: ErrorFormat, status: &str) -> &'static str {
    match (format, status) {
        (ErrorFormat::Anthropic, _) => "AnthropicError",
        (ErrorFormat::OpenAi, _) => "OpenAiError",
        (ErrorFormat::OpenRouter, _) => "OpenRouterError",
        (ErrorFormat::LiteLlm | ErrorFormat::Management, "422") => "HTTPValidationError",
        (ErrorFormat::LiteLlm, _) => "LiteLlmError",
        (ErrorFormat::Management, _) => "ErrorResponse",
    }
}

fn meaning(status: &str) -> &'static str {
    match status {
        "200" => "The request succeeded",
        "201" => "The resource was created",
        "204" => "The request succeeded; there is no content",
        "400" => "The request is invalid",
        "401" => "The API key is missing, malformed, unknown, revoked or expired",
        "403" => "The key lacks the scope, or may not use the model",
        "404" => "The organization has no such resource",
        "409" => "The resource is in use, or the name is taken",
        "412" => "The resource has changed since it was read",
        "413" => "The body is over the limit",
        "415" => "The body is compressed",
        "422" => "A field is invalid",
        "429" => "A limit is reached; `Retry-After` says when to try again",
        "502" => "No model answered: the last failure was the provider's",
        "503" => "The gateway is busy, or no model can be called now",
        "504" => "No model answered in time",
        _ => "The request failed",
    }
}
