//! A field of the request that a refusal names: the account, its plan or its permissions lack what the field asks for.

use super::values::value;
use super::words::{names, text_of};
use crate::domain::failure::scope::FailureScope;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::request::labels::is_label;
use crate::providers::UpstreamError;

/// The marks around a name in a sentence.
const QUOTES: [char; 3] = ['`', '\'', '"'];

/// A refusal of a field of the request. One that names `model` is of the model.
pub(super) fn of_a_field(error: &UpstreamError, request: &ChatRequest) -> Option<FailureScope> {
    if !matches!(error.status, 401..=403) {
        return None;
    }
    let message = error.message.to_lowercase();
    let param = error.param.as_deref().unwrap_or_default().to_lowercase();
    let is_named = |name: &str| is_quoted(&message, name) || is_param(&param, name);
    if is_named("model") || begins_with(&message, "model") {
        return None;
    }
    let sent = || {
        let fields = request.parts.iter().map(|part| part.name.as_str());
        fields.filter(|name| *name != "model" && value(request, name).is_some())
    };
    // Every request has turns, and the names of labels are words of many errors.
    let is_usual = |name: &str| is_label(name) || matches!(name, "messages" | "contents");
    let is_refused = |name: &str| is_named(name) || begins_with(&message, name);
    if sent().any(|name| !is_usual(name) && is_refused(&name.to_lowercase())) {
        return Some(FailureScope::Request);
    }
    let says_stream = || ["stream", "streaming"].iter().any(|word| names(&text_of(error), word));
    let may_be = sent().any(|name| is_usual(name) && is_named(name)) || request.stream && says_stream();
    may_be.then_some(FailureScope::Open)
}

fn is_quoted(message: &str, name: &str) -> bool {
    QUOTES.iter().any(|quote| message.contains(&format!("{quote}{name}{quote}")))
}

/// Whether a parameter such as `thinking.budget_tokens` or `tools[0]` is of the field.
fn is_param(param: &str, name: &str) -> bool {
    param.split(['.', '[']).next() == Some(name)
}

/// Whether a message begins with the name, as `max_tokens: ...`. Only a name of several words is no word of a sentence.
fn begins_with(message: &str, name: &str) -> bool {
    let rest = message.trim_start().strip_prefix(name);
    rest.is_some_and(|rest| rest.starts_with(':') || name.contains('_') && rest.starts_with(' '))
}
