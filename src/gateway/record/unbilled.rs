//! What provider calls cost that no request is billed for. Budgets count it.
//!
//! Only the answer is billed. But its caller can end a call that its provider has begun and charges for, and a call can fail
//! after its provider has begun to answer. It has used the prompt then, and whatever else the provider reports.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::gateway::call::classify::Fault;
use crate::gateway::call::outcome::AttemptOutcome;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::routing::budget::BudgetReservation;
use crate::gateway::routing::call_feedback::CallFeedback;
use crate::gateway::usage::meter::is_far_below;
use crate::gateway::usage::pricing::{Reported, Usage};
use crate::gateway::usage::so_far::SoFar;
use crate::gateway::usage::text_size::TextSize;
use crate::providers::ModelPrice;

/// The sum of one request, in nano-dollars and in tokens, and its reservation: the next call must fit beside the sum.
#[derive(Debug, Default)]
struct Sum {
    amount: AtomicI64,
    tokens: AtomicI64,
    reservation: Option<Arc<BudgetReservation>>,
}

impl Sum {
    fn add(&self, Used { amount, tokens }: Used) {
        self.amount.fetch_add(amount, Ordering::Relaxed);
        self.tokens.fetch_add(tokens, Ordering::Relaxed);
        if let Some(reservation) = &self.reservation {
            reservation.used(amount);
        }
    }
}

/// What a call has used.
#[derive(Debug, Clone, Copy, Default)]
struct Used {
    /// Its cost in nano-dollars.
    amount: i64,
    tokens: i64,
}

/// What one request has cost beside its bill.
#[derive(Debug)]
pub(super) struct Unbilled {
    sum: Arc<Sum>,
    /// The part of it that is billed if the withheld answer is served after all.
    withheld: Used,
}

impl Unbilled {
    /// The sum of a request that has made no call yet.
    pub(super) fn new(reservation: Option<Arc<BudgetReservation>>) -> Self {
        Self { sum: Arc::new(Sum { reservation, ..Sum::default() }), withheld: Used::default() }
    }

    /// The sum so far, in nano-dollars.
    pub(super) fn amount(&self) -> i64 {
        self.sum.amount.load(Ordering::Relaxed)
    }

    /// The sum of tokens so far.
    pub(super) fn tokens(&self) -> i64 {
        self.sum.tokens.load(Ordering::Relaxed)
    }

    /// Opens a call that is about to be made. A drilled model is not called, so it costs nothing.
    pub(super) fn open<'a>(
        &self,
        feedback: &'a CallFeedback,
        request: &'a ChatRequest,
        drilled: bool,
        so_far: &'a SoFar,
    ) -> OpenCall<'a> {
        OpenCall { sum: self.sum.clone(), feedback, request, so_far, open: !drilled }
    }

    /// Adds what a failed call cost, as far as its provider has begun to answer, and closes it unless its caller ended it.
    /// The call of an answer stays open until the answer is committed.
    pub(super) fn ended(&mut self, call: &mut OpenCall<'_>, outcome: &AttemptOutcome, by_caller: bool) {
        match outcome {
            AttemptOutcome::Ready(_) => {}
            AttemptOutcome::Failed(_) => call.open &= by_caller,
            // An error begins no answer, so it costs no more than it reports.
            AttemptOutcome::Unusable(Fault::Upstream(_), reported) => {
                self.add(call, reported, Usage::default());
            }
            AttemptOutcome::Unusable(_, reported) => {
                self.add(call, reported, call.prompt());
            }
            AttemptOutcome::Filtered(reply, _) => {
                let (reported, billed) = reply.reported();
                let used = self.add(call, &reported, call.prompt());
                let amount = if billed { used.amount } else { 0 };
                self.withheld = Used { amount, ..used };
            }
        }
    }

    /// Takes back the cost of the withheld answer, because the request is billed for it.
    pub(super) fn withheld_answer_served(&mut self) {
        let Used { amount, tokens } = std::mem::take(&mut self.withheld);
        self.sum.add(Used { amount: -amount, tokens: -tokens });
    }

    /// Adds what a call used, and closes it.
    fn add(&self, call: &mut OpenCall<'_>, reported: &Reported, ours: Usage) -> Used {
        call.open = false;
        let used = call.used(reported, ours);
        self.sum.add(used);
        used
    }
}

/// A call under way. If it is dropped before its end, its caller has ended it, and what its provider has reported counts,
/// at least its prompt. Its size is estimated only then.
#[derive(Debug)]
pub struct OpenCall<'a> {
    sum: Arc<Sum>,
    feedback: &'a CallFeedback,
    request: &'a ChatRequest,
    so_far: &'a SoFar,
    open: bool,
}

impl OpenCall<'_> {
    /// The call ended in an answer, which is billed.
    pub(super) fn answered(mut self) {
        self.open = false;
    }

    /// What the provider reported, with `ours` in place of what it did not count, and its cost as far as that is known. As
    /// for answers, a count that the prompt contradicts is not believed.
    fn used(&self, reported: &Reported, ours: Usage) -> Used {
        let model = self.feedback.model();
        self.feedback.calibration().reported_cost(reported.billed);
        let counted = reported.input.filter(|tokens| *tokens > 0);
        let contradicted = counted.is_some_and(|tokens| self.contradicts(tokens));
        let price = if counted.is_some() && !contradicted { model.settings.price } else { self.price() };
        let usage = Usage::settle(reported, || ours);
        let input = if contradicted { usage.input.max(self.prompt().input) } else { usage.input };
        let usage = Usage { input, ..usage };
        let known = || price.map_or(0, |price| usage.known_cost(&price));
        let amount = usage.bill(price.as_ref(), model.price_id).0.unwrap_or_else(known);
        Used { amount, tokens: usage.input.saturating_add(usage.output) }
    }

    /// The size of the prompt that the provider got.
    fn sent(&self) -> &TextSize {
        self.request.as_sent_to(self.feedback.model()).size()
    }

    /// What the provider has used as soon as it began.
    fn prompt(&self) -> Usage {
        let window = self.request.window_of(self.feedback.model());
        let input = self.feedback.calibration().most_of_prompt(self.sent(), window);
        Usage::estimate(input, 0)
    }

    /// Whether the prompt is far larger than a count of it.
    fn contradicts(&self, counted: i64) -> bool {
        let window = self.request.window_of(self.feedback.model());
        is_far_below(counted, self.sent(), window)
    }

    /// The price of the prompt. If its size is not known, its kind is not known either.
    fn price(&self) -> Option<ModelPrice> {
        let price = self.feedback.model().settings.price?;
        Some(if self.sent().open_ended { price.dearest(true, false) } else { price })
    }
}

impl Drop for OpenCall<'_> {
    fn drop(&mut self) {
        if self.open {
            self.sum.add(self.used(&self.so_far.reported(), self.prompt()));
        }
    }
}
