//! Whether an error message is about this one request or about the model.
//!
//! The status alone cannot tell. A 402 may be an account without credit, or one request for more tokens than the
//! account can pay for. A 404 may be a missing model, or a router without an endpoint for this request's tools. The
//! scope does not change the class. Rows about requests are checked first: a missing row closes a model for every
//! caller, while a superfluous one costs a single call.

use super::amounts::{self, Left};
use super::message::Message;
use super::named::may_be_named;
use super::of_the_request::says_request;
use super::outages::says_outage;
use crate::providers::errors::numbers::number_after;

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentenceScope {
    /// Another request may be answered.
    Request,
    /// No request would be answered.
    Model,
    /// The message is about something that belongs to the account or that the request named.
    Either,
}

/// The account and its credential.
const OF_THE_CREDENTIAL: &[&[&str]] = &[
    &["api key"],
    &["api_key"],
    &["credential"],
    &["invalid token"],
    &["authentication"],
    &["account", "suspended"],
    &["account", "disabled"],
    &["account", "deactivated"],
    &["organization", "disabled"],
    &["does not have access to"],
    &["not have access to the model"],
    &["country, region"],
    &["must be verified"],
    &["not authorized to"],
    &["signature"],
    &["credit"],
];

/// The account, its limits and its credential; the model and the URL.
static OF_THE_MODEL: &[(u16, &[&[&str]])] = &[
    (
        429,
        &[
            &["rate limit"],
            &["rate-limit"],
            &["ratelimit"],
            &["rate_limit"],
            &["too many requests"],
            &["too many tokens"],
            &["requests per"],
            &["request rate"],
            &["tokens per"],
            &["per minute"],
            &["per day"],
            &["quota"],
            &["usage limit"],
            &["slow down"],
            &["throttl"],
            &["capacity"],
            &["overloaded"],
            &["try again"],
            &["retry"],
            &["resource exhausted"],
            &["resource has been exhausted"],
            &["limit reached"],
            &["limit exceeded"],
            &["limit has been reached"],
            &["high demand"],
            &["server busy"],
            &["concurren"],
            &["速率"],
            &["频率"],
            &["频繁"],
            &["并发"],
        ],
    ),
    (
        402,
        &[
            &["insufficient"],
            &["credit"],
            &["balance"],
            &["billing"],
            &["payment"],
            &["top up"],
            &["recharge"],
            &["spend limit"],
            &["spending limit"],
            &["subscription"],
            &["quota"],
            &["余额"],
            &["欠费"],
        ],
    ),
    (401, OF_THE_CREDENTIAL),
    (403, OF_THE_CREDENTIAL),
    (
        404,
        &[
            &["model", "not found"],
            &["model", "does not exist"],
            &["model", "not exist"],
            &["model:"],
            &["unknown model"],
            &["no such model"],
            &["no endpoints found for"],
            &["deployment", "does not exist"],
            &["deployment", "not found"],
            &["not a chat model"],
            &["models/", "is not found"],
            &["decommissioned"],
            &["deprecated"],
            &["no longer available"],
            &["invalid url"],
            &["unknown url"],
        ],
    ),
];

/// What the message is about, if it says so.
pub(super) fn sentence_scope(status: u16, message: &Message) -> Option<SentenceScope> {
    match amounts::stated(status, message) {
        Some(Left::Nothing) => return Some(SentenceScope::Model),
        Some(Left::TooLittle) => return Some(SentenceScope::Request),
        None => {}
    }
    let says_requested = message.may_hold("requested");
    if says_requested && is_oversized(message.text()) || says_request(message) {
        return Some(SentenceScope::Request);
    }
    if says_requested && let Some(scope) = room_beside(message.text()) {
        return Some(scope);
    }
    if may_be_named(message) {
        return Some(SentenceScope::Either);
    }
    let rows = OF_THE_MODEL.iter().find(|(with, _)| *with == status).map_or(&[][..], |(_, rows)| rows);
    let of_the_model = rows.iter().any(|parts| message.fits(parts)) || says_outage(status, message);
    of_the_model.then_some(SentenceScope::Model)
}

/// `Limit 30000, Requested 342389`: waiting never makes room for it. Even if part of the limit is used (`Used
/// 29000`), the request alone must exceed the limit.
fn is_oversized(message: &str) -> bool {
    let limit = number_after(message, "limit");
    let requested = number_after(message, "requested");
    limit.zip(requested).is_some_and(|(limit, requested)| requested > limit)
}

/// The tokens of a small request.
const SMALL: u64 = 1_000;

/// Words for a unit other than tokens, and how many of it a small request has at least.
const UNITS: [(&str, u64); 8] = [
    ("seconds of audio", 10),
    ("audio seconds", 10),
    ("(ash)", 10),
    ("(asd)", 10),
    ("(asph)", 10),
    ("(aspd)", 10),
    ("images", 1),
    ("pages", 1),
];

/// What a limit says that this request does not fit into, although smaller ones do. Of tokens the provider and we may count
/// differently, and an answer has them as well: `Limit 100000, Used 60000, Requested 45000`. Nothing else is in the way of
/// this recording: `seconds of audio per hour (ASPH): Limit 7200, Used 7000, Requested 300`.
fn room_beside(message: &str) -> Option<SentenceScope> {
    let left = number_after(message, "limit")?.saturating_sub(number_after(message, "used")?);
    let requested = number_after(message, "requested")?;
    let unit = UNITS.iter().find(|(words, _)| message.contains(*words));
    let (small, scope) =
        unit.map_or((SMALL, SentenceScope::Either), |(_, small)| (*small, SentenceScope::Request));
    let is_enough = if unit.is_some() { left >= small } else { left > small };
    (is_enough && requested > left).then_some(scope)
}

#[cfg(test)]
mod tests {
    use super::super::normalized;
    use super::super::of_the_request::OF_THE_REQUEST;
    use super::*;

    fn said(status: u16, message: &str) -> Option<SentenceScope> {
        sentence_scope(status, &Message::of(message))
    }

    #[test]
    fn parts_are_normalized() {
        let of_the_model = OF_THE_MODEL.iter().flat_map(|(_, rows)| rows.iter());
        for part in OF_THE_REQUEST.iter().chain(of_the_model).flat_map(|parts| parts.iter()) {
            assert_eq!(&normalized(part), part);
        }
    }

    #[test]
    fn a_request_above_the_limit_is_its_own_fault_and_one_too_many_is_not() {
        let too_large = "Rate limit reached on tokens per min (TPM): Limit 30000, Requested 342389.";
        assert_eq!(said(429, too_large), Some(SentenceScope::Request));
        let too_many = "Rate limit reached on tokens per min (TPM): Limit 30000, Used 29000, Requested 5000.";
        assert_eq!(said(429, too_many), Some(SentenceScope::Model));
        for some in
            ["Limit 100000, Used 60000, Requested 45000", "Limit 30,000, Used 15,000, Requested 20,000."]
        {
            let message =
                format!("Rate limit reached on tokens per day (TPD): {some} Please try again in 1h12m.");
            assert_eq!(said(429, &message), Some(SentenceScope::Either), "{message}");
        }
        let full = "Rate limit reached on tokens per day (TPD): Limit 100000, Used 99900, Requested 300.";
        assert_eq!(said(429, full), Some(SentenceScope::Model));
        let commas = "tokens per minute: limit: 30,000; requested: 30,001";
        assert_eq!(said(429, commas), Some(SentenceScope::Request));
    }

    #[test]
    fn a_limit_of_another_unit_has_room_for_smaller_requests() {
        let limit = |what: &str| {
            format!(
                "Rate limit reached for model `x` in organization `o` on {what}. Please try again in 43s."
            )
        };
        let (request, model) = (Some(SentenceScope::Request), Some(SentenceScope::Model));
        for (what, expected) in [
            ("seconds of audio per hour (ASPH): Limit 7200, Used 7000, Requested 300", request),
            ("seconds of audio per hour (ASPH): Limit 7200, Used 0, Requested 9000", request),
            ("seconds of audio per day (ASPD): Limit 28800, Used 28790, Requested 11", request),
            ("seconds of audio per hour (ASPH): Limit 7200, Used 7195, Requested 300", model),
            ("seconds of audio per hour (ASPH): Limit 7200, Used 7200, Requested 3", model),
            ("pages per minute: Limit 100, Used 90, Requested 40", request),
            ("pages per minute: Limit 100, Used 100, Requested 40", model),
            ("requests per day (RPD): Limit 1000, Used 1000, Requested 1", model),
            ("tokens per minute (TPM): Limit 6000, Used 0, Requested 7000", request),
        ] {
            assert_eq!(said(429, &limit(what)), expected, "{what}");
        }
    }

    #[test]
    fn an_account_that_can_pay_for_nothing_is_empty() {
        let some = "This request requires more credits, or fewer max_tokens. You requested up to 65536 tokens, but can only afford 3919.";
        assert_eq!(said(402, some), Some(SentenceScope::Request));
        assert_eq!(said(402, &some.replace("3919", "0")), Some(SentenceScope::Model));
        assert_eq!(said(402, &some.replace("3919", "-12")), Some(SentenceScope::Model));
    }

    #[test]
    fn a_quota_that_is_too_low_for_a_request_is_not_empty() {
        let english = "pre-consume quota failed, user remaining quota: $0.512000, need quota: $3.200000";
        let chinese = "预扣费额度失败, 用户[3312]剩余额度: ＄0.512000, 需要预扣费额度: ＄3.200000";
        for some in [english, chinese, "token remain quota: $0.512000, need quota: $3.20"] {
            assert_eq!(said(403, some), Some(SentenceScope::Request), "{some}");
            for none in ["0.000000", "-0.010000"] {
                let empty = some.replace("0.512000", none);
                assert_eq!(said(403, &empty), Some(SentenceScope::Model), "{empty}");
            }
        }
        // Without amounts, it may be the size of the request.
        for unclear in ["user quota is not enough", "token quota is not enough", "Token quota exhausted"] {
            assert_eq!(said(403, unclear), Some(SentenceScope::Either), "{unclear}");
        }
    }

    #[test]
    fn content_that_cannot_be_read_is_the_requests() {
        for message in [
            "Could not process PDF",
            "Failed to decode audio: Invalid data found when processing input",
            "could not decode image",
            "service-1@gcp-sa-vertex.iam.gserviceaccount.com does not have storage.objects.get access to the Google Cloud Storage object.",
        ] {
            assert_eq!(said(500, message), Some(SentenceScope::Request), "{message}");
            assert_eq!(said(403, message), Some(SentenceScope::Request), "{message}");
        }
    }

    #[test]
    fn what_nothing_speaks_of_is_open() {
        for status in [402, 403, 404, 429, 500] {
            assert_eq!(said(status, "no"), None);
            assert_eq!(said(status, ""), None);
        }
        assert_eq!(said(404, "The model `x` does not exist"), Some(SentenceScope::Model));
        assert_eq!(said(403, "The model `x` does not exist"), None);
    }
}
