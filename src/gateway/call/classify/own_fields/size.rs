//! A limit of tokens that the request reaches by itself.

use super::words::{names, text_of};
use crate::domain::failure::scope::FailureScope;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::usage::answer_limit::AnswerLimit;
use crate::providers::UpstreamError;
use crate::providers::errors::TokenLimit;

/// Tokens of a prompt and its longest answer that an account may not have left, although small requests are answered.
const LARGE: u64 = 8_192;

/// A limit of tokens that the request alone reaches, or with its answer may reach. A large request may reach one without
/// a number.
pub(super) fn of_its_size(error: &UpstreamError, request: &ChatRequest) -> Option<FailureScope> {
    let Some(TokenLimit { tokens: limit, unused }) = error.token_limit else {
        // A limit without a number may have room for smaller requests.
        let says_tokens = |text: &str| text.contains("token") || names(text, "tpm");
        let is_of_tokens = error.status == 429 && is_large(request) && says_tokens(&text_of(error));
        return is_of_tokens.then_some(FailureScope::Open);
    };
    let prompt = request.size().tokens();
    let answer = AnswerLimit::of(request).tokens().unwrap_or_default();
    if unused || prompt >= limit {
        Some(FailureScope::Request)
    } else {
        // An estimate may be half of the tokens.
        (prompt.saturating_mul(2) >= limit || prompt.saturating_add(answer) >= limit)
            .then_some(FailureScope::Open)
    }
}

/// Whether the request and its longest answer need many tokens, which proxies set aside before they call.
pub(super) fn is_large(request: &ChatRequest) -> bool {
    let answer = AnswerLimit::of(request).tokens().unwrap_or_default();
    request.size().tokens().saturating_add(answer) > LARGE
}
