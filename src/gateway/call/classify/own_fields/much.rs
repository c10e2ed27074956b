//! A limit that does not say what is limited, and a request that asks for so much that it may have reached one by itself.

use super::kind::Kind;
use super::size::is_large;
use super::values::value;
use crate::domain::failure::Failure;
use crate::domain::failure::scope::FailureScope;
use crate::domain::operation::Operation;
use crate::gateway::call::classify::is_by_status;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::usage::answer_limit::AnswerLimit;
use crate::providers::UpstreamError;
use crate::providers::errors::phrases::says_what_is_limited;

/// The most inputs or documents of a request that asks for little.
const FEW: usize = 16;

/// The bytes of a text to speak, in a request that asks for little.
const SPOKEN: usize = 1_024;

/// The bytes of a recording, in a request that asks for little: about a minute.
const RECORDED: usize = 1_024 * 1_024;

/// The members with the tools that a request offers, in each dialect.
const TOOLS: [&str; 3] = ["tools", "functions", "toolConfig"];

/// A limit with an end, which vendors may have for what this request asks for alone: for images or inputs in a minute, for a
/// batch, for a long answer. A code for a limit is of no tools, and one for money says enough.
pub(super) fn of_an_unclear_limit(
    kind: Kind,
    failure: &Failure,
    error: &UpstreamError,
    request: &ChatRequest,
) -> Option<FailureScope> {
    let is_bare = is_by_status(failure.rule);
    let may_reach_it = || match kind {
        Kind::Limit => asks_for_much(request) || is_bare && offers_tools(request),
        Kind::Money => is_bare && asks_for_much(request),
        Kind::Refusal | Kind::Missing | Kind::Overload | Kind::Outage => false,
    };
    let is_unclear = failure.retry_after.is_some() && !says_what_is_limited(error) && may_reach_it();
    is_unclear.then_some(FailureScope::UnclearLimit)
}

/// Whether a request asks for more than most: many inputs or answers, a long prompt or answer, or a long recording.
pub(super) fn asks_for_much(request: &ChatRequest) -> bool {
    let is_long = |name, most| value(request, name).is_some_and(|value| value.len() > most);
    let asks = match request.operation {
        Operation::Chat | Operation::Completions | Operation::Images => {
            AnswerLimit::of(request).choices() > 1
        }
        Operation::Embeddings | Operation::Moderations | Operation::Rerank => {
            request.inputs.is_some_and(|inputs| inputs > FEW)
        }
        Operation::Speech => is_long("input", SPOKEN),
        Operation::Transcriptions | Operation::Translations => request.sent().len() > RECORDED,
    };
    asks || is_large(request)
}

fn offers_tools(request: &ChatRequest) -> bool {
    TOOLS.iter().any(|name| value(request, name).is_some_and(|tools| tools != b"[]"))
}
