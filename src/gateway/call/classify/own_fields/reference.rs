//! A file, a container, a model or something else of the account that the request refers to.

use super::owner::is_of_own_tags;
use super::values::Strings;
use super::words::{is_proof, names, text_of};
use crate::domain::failure::scope::FailureScope;
use crate::gateway::request::chat_request::ChatRequest;
use crate::providers::UpstreamError;

/// Types of items and parts that refer to something of the account by their `id` or in a sealed form.
const REFERRING: [&str; 4] = ["compaction", "container_upload", "item_reference", "mcp_approval_response"];

/// Words for a missing permission.
const PERMISSIONS: [&str; 3] = ["permission", "access", "authorized"];

/// A permission for something that the request refers to. One for the model says so.
pub(super) fn of_a_reference(
    error: &UpstreamError,
    request: &ChatRequest,
    sent: &str,
) -> Option<FailureScope> {
    let text = text_of(error);
    if is_of_own_tags(&text, request) {
        return Some(FailureScope::Request);
    }
    let may_be = matches!(error.status, 401 | 403)
        && PERMISSIONS.iter().any(|word| names(&text, word))
        && !names(&text, "model")
        && !names(&text, sent)
        && Strings::of(request).is_none_or(|strings| {
            strings.refers
                || strings.values.iter().any(|value| REFERRING.contains(&value.as_str()))
                || strings.values.iter().any(|value| is_proof(value) && names(&text, value))
        });
    may_be.then_some(FailureScope::Open)
}

/// A missing model that the request names elsewhere than in `model`, for a tool for example.
pub(super) fn of_another_model(
    error: &UpstreamError,
    request: &ChatRequest,
    sent: &str,
) -> Option<FailureScope> {
    let (mut text, sent) = (text_of(error), sent.to_lowercase());
    let Some(strings) = Strings::of(request) else {
        return (!names(&text, &sent)).then_some(FailureScope::Open);
    };
    let others = strings.values.iter().map(|value| value.trim().to_lowercase());
    let repeated: Vec<String> =
        others.filter(|value| is_proof(value) && *value != sent && names(&text, value)).collect();
    // `gpt-5` is a word of `gpt-5-mini`.
    for longer in repeated.iter().filter(|value| value.contains(&sent)) {
        text = text.replace(longer.as_str(), " ");
    }
    if names(&text, &sent) {
        None
    } else if repeated.is_empty() {
        strings.names_model.then_some(FailureScope::Open)
    } else {
        Some(FailureScope::Request)
    }
}
