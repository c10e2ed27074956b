//! The user, the label or the tags of the request, which may have limits and budgets of their own.

use super::values::{Strings, json, value};
use super::words::{is_proof, names, text_of};
use crate::domain::failure::Failure;
use crate::domain::failure::class::ErrorClass;
use crate::domain::failure::scope::FailureScope;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::request::labels::{OWNERS, OWNERS_IN_METADATA};
use crate::providers::UpstreamError;
use crate::providers::errors::phrases::is_a_budget_without_owner;

/// Characters of a part of a name that proves something, such as the account in the `user_…_account_…_session_…` of
/// Claude Code.
const PART: usize = 8;

/// Words for a user or a label in an error that does not name one.
const USERS: [&str; 6] = ["user", "userid", "safety identifier", "customer", "prompt cache key", "session"];

/// A limit or a budget of the user or the label that the request names.
pub(super) fn of_an_owner(
    failure: &Failure,
    error: &UpstreamError,
    request: &ChatRequest,
) -> Option<FailureScope> {
    let (text, owners) = (text_of(error), owners(request));
    let repeated = || owners.iter().filter(|owner| names(&text, owner));
    if repeated().any(|owner| is_proof(owner)) || is_of_own_tags(&text, request) {
        return Some(FailureScope::Request);
    }
    let says_user = || {
        let text = text.replace('_', " ");
        USERS.iter().any(|word| names(&text, word))
    };
    let is_a_budget = || failure.class == ErrorClass::QuotaExhausted && is_a_budget_without_owner(error);
    let may_be = !owners.is_empty() && (repeated().next().is_some() || says_user() || is_a_budget());
    may_be.then_some(FailureScope::Open)
}

/// Whether no deployment of a proxy serves the tags of the request.
pub(super) fn is_of_own_tags(text: &str, request: &ChatRequest) -> bool {
    let has_tags = || {
        let within = |name| json(request, name).is_some_and(|value| value.get("tags").is_some());
        value(request, "tags").is_some() || within("metadata") || within("litellm_metadata")
    };
    names(text, "tags") && has_tags()
}

/// The values that name the user of the request or its share.
fn owners(request: &ChatRequest) -> Vec<String> {
    let fields = OWNERS.iter().filter_map(|name| json(request, name));
    let metadata = json(request, "metadata");
    let members = OWNERS_IN_METADATA.iter().filter_map(|name| metadata.as_ref()?.get(name).cloned());
    let mut strings = Strings::default();
    fields.chain(members).for_each(|value| strings.add(value));
    strings.values.retain(|value| !value.trim().is_empty());
    let parts: Vec<String> =
        strings.values.iter().flat_map(|value| parts(value)).map(str::to_owned).collect();
    strings.values.into_iter().chain(parts).collect()
}

/// The parts of a name that are numbers or ids: the words of a language are in many errors.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    let separates = |letter: char| !letter.is_alphanumeric() && letter != '-';
    name.split(separates)
        .filter(|part| part.len() >= PART && part.contains(|letter: char| letter.is_ascii_digit()))
}
