//! What a request chooses of an account or behind a router, with fields or headers.

use http::header::{HeaderName, HeaderValue};

use super::values::value;
use crate::dialects::Dialect;
use crate::gateway::call::redact::request_text::LONGEST;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::request::json_object::is_same_name;
use crate::gateway::request::response_items::Items;
use crate::gateway::request::tools::has_providers_tool;
use crate::providers::caller_headers;

/// Fields with a credential or an address of the caller's own, which are used in place of ours or beside them. What
/// fails then says nothing of ours.
const OWN_ACCESS: [&str; 8] = [
    "api_key",
    "api_base",
    "base_url",
    "authorization",
    "extra_headers",
    "headers",
    "data_sources",
    "dataSources",
];

/// Fields with which a request chooses among the providers behind a router.
const ROUTES: [&str; 2] = ["provider", "providerOptions"];

/// Whether the request has a credential or an address of its own.
pub(super) fn has_own_access(request: &ChatRequest) -> bool {
    let is_access = |name: &str| OWN_ACCESS.iter().any(|known| is_same_name(known, name));
    request.parts.iter().any(|part| is_access(&part.name) && request.value(part) != b"null")
}

/// Whether the request says which providers a router may call: then another request may be answered by others.
pub(super) fn chooses_its_route(request: &ChatRequest) -> bool {
    let is_a_choice = |value: &[u8]| value.starts_with(b"{") && value != b"{}";
    ROUTES.iter().any(|name| value(request, name).is_some_and(is_a_choice))
}

/// Whether a header names a workspace or another resource of the account.
pub(super) fn names_a_resource(request: &ChatRequest) -> bool {
    request.passed.iter().any(|(name, _)| caller_headers::names_a_resource(name.as_str()))
}

/// Whether the request offers tools that the provider or another server runs, which may fail.
pub(super) fn names_a_server(request: &ChatRequest) -> bool {
    value(request, "mcp_servers").is_some()
        || value(request, "tools").is_some_and(has_providers_tool)
        || offers_in_an_item(request)
}

/// Whether an item of a response's input offers a tool that the provider or another server runs. A longer input may.
fn offers_in_an_item(request: &ChatRequest) -> bool {
    let offers = |input: &[u8]| Items::of(input).is_some_and(|items| items.offer_a_providers_tool());
    request.dialect == Dialect::Responses
        && value(request, "input").is_some_and(|input| input.len() > LONGEST || offers(input))
}

/// Whether the request chooses a route, a feature, or with a member that is not known anything: those have limits,
/// permissions and failures of their own. An account without money refuses them as well, so this is no proof.
pub(super) fn makes_a_choice(request: &ChatRequest) -> bool {
    let is_plain =
        |(name, value): &(HeaderName, HeaderValue)| caller_headers::is_plain(name.as_str(), value.as_bytes());
    !request.is_plain() || !request.passed.iter().all(is_plain) || offers_in_an_item(request)
}
