//! Whether an error message is about this one request or about the model.
//!
//! The status alone cannot tell. A 402 may be an account without credit, or one request for more tokens than the
//! account can pay for. A 404 may be a missing model, or a router without an endpoint for this request's tools. The
//! scope does not change the class. Rows about requests are checked first: a missing row closes a model for every
//! caller, while a superfluous one costs a single call.

use super::message::Message;
use super::named::may_be_named;
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

/// The request's own size, content, requirements or cost. The parts of a row occur in this order.
static OF_THE_REQUEST: &[&[&str]] = &[
    // Cost: the account has credit, but too little.
    &["fewer max_tokens"],
    &["can only afford"],
    &["prompt tokens limit exceeded"],
    &["lower max_tokens"],
    &["reduce max_tokens"],
    &["estimated cost", "exceed"],
    &["cost of this request", "exceed"],
    &["需要预扣费额度"],
    &["preconsumedquota"],
    // Size.
    &["request too large"],
    &["request is too large"],
    &["request entity too large"],
    &["payload too large"],
    &["body too large"],
    &["must be reduced in order to run"],
    &["this request exceeds the limit of"],
    &["your request exceeds the limit of"],
    &["is greater than the rate limit"],
    &["required for long context"],
    &["out of extra usage"],
    &["long context beta"],
    &["too many images"],
    // A capability or a condition that only this request needs.
    &["no endpoints found that"],
    &["no endpoints found matching"],
    &["no endpoints found with"],
    &["no endpoints available that"],
    &["no endpoints available matching"],
    &["no endpoints available with"],
    &["no allowed providers are available"],
    &["all providers have been ignored"],
    &["support tool use"],
    &["support image input"],
    &["support audio input"],
    &["support file input"],
    &["support video input"],
    &["support the requested"],
    &["support the provided"],
    &["does not support tools"],
    &["does not support image"],
    &["does not support function calling"],
    &["data policy"],
    &["guardrail restrictions"],
    &["unsupported parameter"],
    &["unknown parameter"],
    &["unrecognized request argument"],
    &["flex tier"],
    &["flex processing"],
    &["service_tier"],
    &["priority tier"],
    &["must be verified to stream"],
    &["must be verified to generate"],
    &["must be verified to use", "feature"],
    &["must be verified to use", "stream"],
    &["must be verified to use", "parameter"],
    &["must be verified to use", "reasoning"],
    &["access to this feature"],
    &["this feature is not"],
    &["this feature requires"],
    &["feature is not available"],
    &["feature is not enabled"],
    &["feature not available"],
    &["to use this feature"],
    &["beta feature"],
    &["beta header"],
    &["fast mode"],
    &["reasoning summar"],
    &["data retention"],
    &["file search"],
    &["file_search"],
    &["image generation tool"],
    &["image_generation"],
    &["grounding"],
    &["web search"],
    &["web_search"],
    &["code interpreter"],
    &["code_interpreter"],
    &["code execution"],
    &["computer use"],
    &["mcp server"],
    &["structured output"],
    &["input is not supported"],
    &["input-image"],
    &["images per min"],
    &["end user"],
    &["end-user"],
    &["end_user"],
    &["concurrent image"],
    &["concurrent audio"],
    &["concurrent video"],
    // Files and objects that the request refers to.
    &["no such file"],
    &["file not found"],
    &["container", "not found"],
    &["file object"],
    &["access the file"],
    &["file_id"],
    &["file id"],
    &["cachedcontent"],
    &["cached content"],
    &["previous response"],
    &["conversation with id"],
    &["item with id"],
    &["prompt with id"],
    &["vector store"],
    &["container", "expired"],
    &["download", "image"],
    &["downloading", "http"],
    &["fetch", "image"],
    &["fetch", "url"],
    &["load image"],
    &["image_url"],
    &["image file"],
    &["image format"],
    &["image: unknown format"],
    &["invalid image"],
    &["process image"],
    &["process input image"],
    &["failed to process inputs"],
    &["unable to download"],
    &["cannot fetch content"],
    &["timeout while downloading"],
    // Its content: the vendor's policy, and firewalls in front of it.
    &["usage guidelines"],
    &["usage policies"],
    &["content policy"],
    &["content moderation"],
    &["was flagged"],
    &["were flagged"],
    &["flagged by"],
    &["flagged as"],
    &["moderation"],
    &["guardrail"],
    &["safety", "block"],
    &["blocked by", "safety"],
    &["inappropriate content"],
    &["prohibited content"],
    &["copyright"],
    &["firewall"],
    &["blocked by our security"],
    &["request was rejected", "administrator"],
    &["url was rejected"],
    &["support id is"],
    &["incapsula"],
    &["error code: 1020"],
    &["attention required"],
    &["just a moment"],
    &["been blocked"],
    &["request blocked"],
    &["mod_security"],
    // Its format, where a server answers with a 500.
    &["jinja"],
    &["chat template"],
    &["roles must alternate"],
    &["parse grammar"],
    &["compile grammar"],
    &["json schema"],
    &["json_schema"],
    &["parsing tool call"],
    &["invalid tool call"],
    &["tool_call_id"],
    &["tool_choice"],
];

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
    if message.may_hold("can only afford") && nothing_is_left(message.text()) {
        return Some(SentenceScope::Model);
    }
    let oversized = message.may_hold("requested") && is_oversized(message.text());
    if oversized || OF_THE_REQUEST.iter().any(|parts| message.fits(parts)) {
        return Some(SentenceScope::Request);
    }
    if may_be_named(message) {
        return Some(SentenceScope::Either);
    }
    let rows = OF_THE_MODEL.iter().find(|(with, _)| *with == status).map_or(&[][..], |(_, rows)| rows);
    let of_the_model = rows.iter().any(|parts| message.fits(parts)) || says_outage(status, message);
    of_the_model.then_some(SentenceScope::Model)
}

/// Whether the account cannot pay for a single token.
fn nothing_is_left(message: &str) -> bool {
    number_after(message, "can only afford").is_some_and(|tokens| tokens < 1)
        || message.contains("can only afford -")
}

/// `Limit 30000, Requested 342389`: waiting never makes room for it. Even if part of the limit is used (`Used
/// 29000`), the request alone must exceed the limit.
fn is_oversized(message: &str) -> bool {
    let limit = number_after(message, "limit");
    let requested = number_after(message, "requested");
    limit.zip(requested).is_some_and(|(limit, requested)| requested > limit)
}

#[cfg(test)]
mod tests {
    use super::super::normalized;
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
        let commas = "tokens per minute: limit: 30,000; requested: 30,001";
        assert_eq!(said(429, commas), Some(SentenceScope::Request));
    }

    #[test]
    fn an_account_that_can_pay_for_nothing_is_empty() {
        let some = "This request requires more credits, or fewer max_tokens. You requested up to 65536 tokens, but can only afford 3919.";
        assert_eq!(said(402, some), Some(SentenceScope::Request));
        assert_eq!(said(402, &some.replace("3919", "0")), Some(SentenceScope::Model));
        assert_eq!(said(402, &some.replace("3919", "-12")), Some(SentenceScope::Model));
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
