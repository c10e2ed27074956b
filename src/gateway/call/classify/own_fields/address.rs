//! A server that the request names and that its provider does not reach.

use memchr::memchr2_iter;

use super::values::Strings;
use super::words::{is_proof, names, text_of};
use crate::domain::failure::scope::FailureScope;
use crate::gateway::request::chat_request::ChatRequest;
use crate::providers::UpstreamError;

/// An outage of a server that the request names: providers fetch what is at an address, and repeat what its server said.
pub(super) fn of_an_address(error: &UpstreamError, request: &ChatRequest) -> Option<FailureScope> {
    if !may_have_addresses(&request.body) {
        return None;
    }
    let Some(strings) = Strings::of(request) else { return Some(FailureScope::Open) };
    let text = text_of(error);
    let mut hosts = strings.values.iter().flat_map(|value| value.split("://").skip(1).filter_map(host));
    if hosts.any(|host| names(&text, host)) {
        return Some(FailureScope::Request);
    }
    let is_address =
        |value: &String| value.trim_start().get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http"));
    strings.values.iter().any(is_address).then_some(FailureScope::Open)
}

/// Whether a value of the request has an address that a provider could fetch.
pub(super) fn has_an_address(request: &ChatRequest) -> bool {
    let is_one = |value: &String| value.contains("://");
    may_have_addresses(&request.body)
        && Strings::of(request).is_none_or(|strings| strings.values.iter().any(is_one))
}

/// Whether a body may hold the `//` of an address, which JSON can escape.
fn may_have_addresses(body: &[u8]) -> bool {
    memchr2_iter(b'/', b'\\', body).any(|at| matches!(body.get(at..at + 2), Some(b"//" | b"\\/" | b"\\u")))
}

/// The host after the `://` of an address, without a user and a port.
fn host(rest: &str) -> Option<&str> {
    let authority = rest.split(['/', '?', '#', ' ', '"', '\'']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    is_proof(host).then_some(host)
}
