//! One request, in reading order. [`failover`] is the loop that joins the steps, and `candidate_call` the call of one
//! candidate:
//!
//! 1. [`request`]: the caller's body or form, its operation, its requirements, and the intent.
//! 2. [`routing`]: the plan picks the next candidate from cooldowns, requirements and budgets.
//! 3. [`call`]: the candidate's request body, the attempt, what its answer is worth, and the class of a failure. The choices of
//!    every answer are judged in `call::choices`. A stream in a chat is read by `call::first_frame`, that of another operation
//!    by `call::usable_answer::passed`.
//! 4. [`usage`]: tokens and cost, reported or estimated.
//! 5. [`response`]: the answer on its way to the caller: a whole one (`whole`), the stream of a chat (`stream`), or the events and
//!    the sound of another operation (`passed`).
//! 6. [`record`]: attempts, rows and metrics.
//!
//! [`preview`] runs the same plan without calls, and [`count_tokens`] asks along it for the size of a prompt. Each step
//! reads the dialect and the [operation](crate::domain::operation::Operation) of its request: chats come in any dialect and are
//! translated; embeddings, completions, images, speech and the others have OpenAI's form, and their bytes pass. Nothing here knows
//! the database library or the HTTP server.

pub mod call;
mod candidate_call;
pub mod count_tokens;
pub mod failover;
pub mod preview;
pub mod record;
pub mod request;
pub mod response;
pub mod routing;
pub mod usage;

use std::sync::Arc;

use call::endpoint::Minting;
use call::refused_parameters::Refusals;
use record::metrics::Metrics;
use record::request_context::RequestContext;
use request::intent::Intent;
use response::options::ResponseOptions;
use routing::call_feedback::SharedState;

use crate::domain::clock::Clock;
use crate::limits::shares::{Share, Shares};
use crate::store::recorder::Recorder;
use crate::upstream::Upstream;

/// What all requests share.
#[derive(Debug)]
pub struct Gateway {
    /// The HTTP client for all providers.
    pub upstream: Upstream,
    /// The queue of the writer that records requests.
    pub recorder: Recorder,
    /// The clock, which tests can set.
    pub clock: Clock,
    /// The metrics of all requests.
    pub metrics: Arc<Metrics>,
    /// Cooldowns, endpoints and health of providers, calibrations and spending.
    pub shared_state: Arc<SharedState>,
    /// The memory and request shares of organizations.
    pub shares: Shares,
    /// The optional parameters that providers were seen to refuse.
    pub refusals: Refusals,
}

impl Gateway {
    /// What it takes to make an access token for an organization's provider.
    pub(in crate::gateway) fn minting<'a>(&'a self, share: &'a Arc<Share>) -> Minting<'a> {
        Minting { upstream: &self.upstream, clock: &self.clock, share }
    }
}

/// A request that is ready to run.
#[derive(Debug)]
pub struct Job {
    /// What the caller asks for.
    pub intent: Intent,
    /// What the request's rows repeat.
    pub context: RequestContext,
    /// How the caller wants the answer.
    pub options: ResponseOptions,
}
