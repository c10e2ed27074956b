//! Corrects paths that a caller clearly meant otherwise.
//!
//! A base URL that ends in a slash produces `//v1/...`, one that ends in the version that a client adds `/v1/v1/...`, and
//! one without `/v1` produces `/models`, which is also a page. They are corrected before routing. A path that cannot be
//! corrected still gets its error in the API's format.

use std::borrow::Cow;

use actix_web::HttpRequest;
use actix_web::dev::ServiceRequest;
use actix_web::http::Uri;
use actix_web::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap};
use actix_web::http::uri::PathAndQuery;

use crate::api::error_format::ErrorFormat;

/// Prefixes before the name of a model, which may contain slashes.
const BEFORE_MODEL_NAMES: [&str; 3] = ["models", "fallback", "deployments"];

/// The list of models, and below it one: pages for people, and the same for an SDK with a base URL that lacks `/v1`.
const BARE: &str = "/models";

/// Replaces the path of a request by the one that its caller meant.
pub(crate) fn settle(request: &mut ServiceRequest) {
    if let Some(meant) = meant(request.path(), || presents_key(request.headers())) {
        replace(request, &meant);
    }
}

/// Applies to calls of models only: for other paths, a proxy in front may have decided by the original path.
fn meant(path: &str, presents_key: impl FnOnce() -> bool) -> Option<String> {
    let is_inference = |path: &str| ErrorFormat::of_path(path).is_some_and(ErrorFormat::is_of_inference);
    let clean = if path.contains("//") { Cow::Owned(normalized(path)) } else { Cow::Borrowed(path) };
    let meant = match clean.strip_prefix("/v1/v1/") {
        Some(rest) => Cow::Owned(format!("/v1/{rest}")),
        None => clean,
    };
    if is_inference(&meant) {
        return (meant != path).then(|| meant.into_owned());
    }
    (is_bare(&meant) && presents_key()).then(|| format!("/v1{meant}"))
}

fn is_bare(path: &str) -> bool {
    path.strip_prefix(BARE).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The path without empty segments, up to the name of a model.
fn normalized(path: &str) -> String {
    let mut normalized = String::with_capacity(path.len());
    let mut rest = path.trim_start_matches('/');
    while !rest.is_empty() {
        let (segment, behind) = rest.split_once('/').unwrap_or((rest, ""));
        normalized.extend(["/", segment]);
        rest = behind.trim_start_matches('/');
        if BEFORE_MODEL_NAMES.contains(&segment) && !rest.is_empty() {
            normalized.extend(["/", rest]);
            break;
        }
    }
    normalized
}

fn replace(request: &mut ServiceRequest, path: &str) {
    let mut parts = request.uri().clone().into_parts();
    let query = parts.path_and_query.as_ref().and_then(PathAndQuery::query);
    let text = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    // It consists of parts of a valid path.
    let Ok(path_and_query) = PathAndQuery::try_from(text) else { return };
    parts.path_and_query = Some(path_and_query);
    let Ok(uri) = Uri::from_parts(parts) else { return };
    request.match_info_mut().get_mut().update(&uri);
    request.head_mut().uri = uri;
}

/// The format of errors for this request; none if it gets a page.
pub(crate) fn error_format(request: &HttpRequest) -> Option<ErrorFormat> {
    let path = request.path();
    // The list of models has the format of its caller.
    let by_caller = path.starts_with("/v1/models") && request.headers().contains_key("anthropic-version");
    by_caller
        .then_some(ErrorFormat::Anthropic)
        .or_else(|| ErrorFormat::of_path(path))
        .or_else(|| path.contains("//").then(|| ErrorFormat::of_path(&normalized(path))).flatten())
        .or_else(|| is_program(request.headers()).then_some(ErrorFormat::OpenAi))
}

/// Whether it is a path of the API, even if misspelled. `presents_key` decides where a page has the same path.
pub(crate) fn is_api(path: &str, presents_key: impl FnOnce() -> bool) -> bool {
    let normalized = normalized(path);
    ErrorFormat::of_path(&normalized).is_some() || (is_bare(&normalized) && presents_key())
}

/// Whether the request has an API key; a browser has none. Schemes other than Bearer may belong to a proxy.
pub(crate) fn presents_key(headers: &HeaderMap) -> bool {
    let bearer = |value: &[u8]| value.get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b"bearer "));
    headers.contains_key("x-api-key")
        || headers.contains_key("api-key")
        || headers.get_all(AUTHORIZATION).any(|value| bearer(value.as_bytes()))
}

/// Whether it sends or accepts JSON.
fn is_program(headers: &HeaderMap) -> bool {
    let says = |name, kind: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.to_ascii_lowercase().contains(kind))
    };
    let speaks_json = says(CONTENT_TYPE, "application/json")
        || (says(ACCEPT, "application/json") && !says(ACCEPT, "text/html"));
    // Only browsers send cookies.
    presents_key(headers) || (speaks_json && !headers.contains_key(COOKIE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_and_versions_too_many_are_taken_out_of_paths_to_models() {
        for (path, expected) in [
            ("//v1/chat/completions", Some("/v1/chat/completions")),
            ("/v1//chat/completions", Some("/v1/chat/completions")),
            ("///api//v1///models", Some("/api/v1/models")),
            ("/v1//models//a//b", Some("/v1/models/a//b")),
            ("/v1/models/a//b", None),
            ("/v1/v1/messages", Some("/v1/messages")),
            ("/v1/v1/messages/count_tokens", Some("/v1/messages/count_tokens")),
            ("/v1/v1/chat/completions", Some("/v1/chat/completions")),
            ("//v1//v1/models/a//b", Some("/v1/models/a//b")),
            ("/v1/v1/model-router/models", None),
            ("/v1/v1", None),
            ("/messages", None),
            (
                "//openai//deployments/a//b/chat/completions",
                Some("/openai/deployments/a//b/chat/completions"),
            ),
            ("/v1/chat/completions", None),
            ("//metrics", None),
            ("//v1/model-router/models", None),
            ("//evil.example.com", None),
            ("//", None),
        ] {
            assert_eq!(meant(path, || true).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn the_bare_list_of_models_is_the_apis_for_who_presents_a_key() {
        for (path, expected) in [
            ("/models", Some("/v1/models")),
            ("/models/openai/gpt", Some("/v1/models/openai/gpt")),
            ("//models", Some("/v1/models")),
            ("/modelsx", None),
            ("/keys", None),
        ] {
            assert_eq!(meant(path, || true).as_deref(), expected, "{path}");
            assert_eq!(meant(path, || false), None, "{path}");
        }
    }
}
