//! A limit of tokens that the request reaches by itself.

use crate::domain::failure::scope::FailureScope;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::usage::answer_limit::AnswerLimit;
use crate::providers::UpstreamError;
use crate::providers::errors::TokenLimit;

/// A limit of tokens that the request alone reaches, or with its answer may reach.
pub(super) fn of_its_size(error: &UpstreamError, request: &ChatRequest) -> Option<FailureScope> {
    let TokenLimit { tokens: limit, unused } = error.token_limit?;
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
