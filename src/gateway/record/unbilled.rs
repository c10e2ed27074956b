//! What provider calls cost that no request is billed for. Budgets count it.
//!
//! Only the answer is billed. But its caller can end a call that its provider has begun and charges for, and a failed call can
//! report usage.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::gateway::call::outcome::AttemptOutcome;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::routing::budget::BudgetReservation;
use crate::gateway::routing::call_feedback::CallFeedback;
use crate::gateway::usage::pricing::{Reported, Usage};

/// The sum of one request, in nano-dollars, and its reservation: the next call must fit beside the sum.
#[derive(Debug, Default)]
struct Sum {
    amount: AtomicI64,
    reservation: Option<Arc<BudgetReservation>>,
}

impl Sum {
    fn add(&self, amount: i64) {
        self.amount.fetch_add(amount, Ordering::Relaxed);
        if let Some(reservation) = &self.reservation {
            reservation.used(amount);
        }
    }
}

/// What one request has cost beside its bill.
#[derive(Debug)]
pub(super) struct Unbilled {
    sum: Arc<Sum>,
    /// The part of it that is billed if the withheld answer is served after all.
    withheld: i64,
}

impl Unbilled {
    /// The sum of a request that has made no call yet.
    pub(super) fn new(reservation: Option<Arc<BudgetReservation>>) -> Self {
        Self { sum: Arc::new(Sum { reservation, ..Sum::default() }), withheld: 0 }
    }

    /// The sum so far, in nano-dollars.
    pub(super) fn amount(&self) -> i64 {
        self.sum.amount.load(Ordering::Relaxed)
    }

    /// Opens a call that is about to be made. A drilled model is not called, so it costs nothing.
    pub(super) fn open<'a>(
        &self,
        feedback: &'a CallFeedback,
        request: &'a ChatRequest,
        drilled: bool,
    ) -> OpenCall<'a> {
        OpenCall { sum: self.sum.clone(), feedback, request, open: !drilled }
    }

    /// Adds what a failed call reported, and closes it unless its caller ended it. The call of an answer stays open until
    /// the answer is committed.
    pub(super) fn ended(&mut self, call: &mut OpenCall<'_>, outcome: &AttemptOutcome, by_caller: bool) {
        match outcome {
            AttemptOutcome::Ready(_) => return,
            AttemptOutcome::Failed(_) => {}
            AttemptOutcome::Unusable(_, reported) => {
                self.add(call.feedback, reported);
            }
            AttemptOutcome::Filtered(reply, _) => {
                let (reported, billed) = reply.reported();
                let amount = self.add(call.feedback, &reported);
                self.withheld = if billed { amount } else { 0 };
            }
        }
        call.open &= by_caller;
    }

    /// Takes back the cost of the withheld answer, because the request is billed for it.
    pub(super) fn withheld_answer_served(&mut self) {
        self.sum.add(-std::mem::take(&mut self.withheld));
    }

    /// Adds what a failed call reported, as far as its cost is known. Returns the amount.
    fn add(&self, feedback: &CallFeedback, reported: &Reported) -> i64 {
        let model = feedback.model();
        feedback.calibration().reported_cost(reported.billed);
        let usage = Usage::settle(reported, Usage::default);
        let price = model.settings.price.as_ref();
        let known = || price.map_or(0, |price| usage.known_cost(price));
        let amount = usage.bill(price, model.price_id).0.unwrap_or_else(known);
        self.sum.add(amount);
        amount
    }
}

/// A call under way. If it is dropped before its end, its caller has ended it, and its prompt counts. Its size is
/// estimated only then.
#[derive(Debug)]
pub struct OpenCall<'a> {
    sum: Arc<Sum>,
    feedback: &'a CallFeedback,
    request: &'a ChatRequest,
    open: bool,
}

impl OpenCall<'_> {
    /// The call ended in an answer, which is billed.
    pub(super) fn answered(mut self) {
        self.open = false;
    }
}

impl Drop for OpenCall<'_> {
    fn drop(&mut self) {
        let settings = &self.feedback.model().settings;
        if let Some(price) = settings.price.as_ref().filter(|_| self.open) {
            let calibration = self.feedback.calibration();
            let input = calibration.most_of_prompt(self.request.size(), settings.context_window);
            let amount = Usage::estimate(input, 0).known_cost(price);
            self.sum.add(amount);
        }
    }
}
