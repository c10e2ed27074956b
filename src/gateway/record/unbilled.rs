//! What provider calls cost that no request is billed for. Budgets count it.
//!
//! Only the answer is billed. But its caller can end a call that its provider has begun and charges for, and a failed call can
//! report usage.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::gateway::call::outcome::AttemptOutcome;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::routing::call_feedback::CallFeedback;
use crate::gateway::usage::pricing::{Reported, Usage};
use crate::store::snapshot::ModelEntry;

/// The sum of one request, in nano-dollars.
#[derive(Debug, Default)]
pub(super) struct Unbilled {
    amount: Arc<AtomicI64>,
    /// The part of it that is billed if the withheld answer is served after all.
    withheld: i64,
}

impl Unbilled {
    /// The sum so far.
    pub(super) fn amount(&self) -> i64 {
        self.amount.load(Ordering::Relaxed)
    }

    /// Opens a call that is about to be made. A drilled model is not called, so it costs nothing.
    pub(super) fn open<'a>(
        &self,
        feedback: &'a CallFeedback,
        request: &'a ChatRequest,
        drilled: bool,
    ) -> OpenCall<'a> {
        OpenCall { amount: self.amount.clone(), feedback, request, open: !drilled }
    }

    /// Adds what a failed call reported, and closes it unless its caller ended it. The call of an answer stays open until
    /// the answer is committed.
    pub(super) fn ended(&mut self, call: &mut OpenCall<'_>, outcome: &AttemptOutcome, by_caller: bool) {
        let model = call.feedback.model();
        match outcome {
            AttemptOutcome::Ready(_) => return,
            AttemptOutcome::Failed(_) => {}
            AttemptOutcome::Unusable(_, reported) => {
                self.add(model, reported);
            }
            AttemptOutcome::Filtered(reply, _) => {
                let (reported, billed) = reply.reported();
                let amount = self.add(model, &reported);
                self.withheld = if billed { amount } else { 0 };
            }
        }
        call.open &= by_caller;
    }

    /// Takes back the cost of the withheld answer, because the request is billed for it.
    pub(super) fn withheld_answer_served(&mut self) {
        self.amount.fetch_sub(std::mem::take(&mut self.withheld), Ordering::Relaxed);
    }

    /// Adds what a failed call reported, as far as its cost is known. Returns the amount.
    fn add(&self, model: &ModelEntry, reported: &Reported) -> i64 {
        let usage = Usage::settle(reported, Usage::default);
        let price = model.settings.price.as_ref();
        let known = || price.map_or(0, |price| usage.known_cost(price));
        let amount = usage.bill(price, model.price_id).0.unwrap_or_else(known);
        self.amount.fetch_add(amount, Ordering::Relaxed);
        amount
    }
}

/// A call under way. If it is dropped before its end, its caller has ended it, and its prompt counts. Its size is
/// estimated only then.
#[derive(Debug)]
pub struct OpenCall<'a> {
    amount: Arc<AtomicI64>,
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
            self.amount.fetch_add(amount, Ordering::Relaxed);
        }
    }
}
