//! What provider calls cost that no request is billed for. Budgets count it.
//!
//! Only the answer is billed. But its caller can end a call that its provider has begun and charges for, and a failed call can
//! report usage.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::routing::call_feedback::CallFeedback;
use crate::gateway::usage::calibration::TokenCalibration;
use crate::gateway::usage::pricing::{Reported, Usage};
use crate::store::snapshot::ModelEntry;

/// The sum of one request, in nano-dollars.
#[derive(Debug, Clone, Default)]
pub struct Unbilled(Arc<AtomicI64>);

impl Unbilled {
    /// The sum so far.
    #[must_use]
    pub fn amount(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Adds what a failed call reported, as far as its cost is known. Returns the amount.
    pub fn failed(&self, model: &ModelEntry, reported: &Reported) -> i64 {
        let usage = Usage::settle(reported, Usage::default);
        let price = model.settings.price.as_ref();
        let known = || price.map_or(0, |price| usage.known_cost(price));
        let amount = usage.bill(price, model.price_id).0.unwrap_or_else(known);
        self.0.fetch_add(amount, Ordering::Relaxed);
        amount
    }

    /// Takes back an amount, because the request is billed for it after all.
    pub fn take_back(&self, amount: i64) {
        self.0.fetch_sub(amount, Ordering::Relaxed);
    }

    /// Opens a call that is about to be made.
    #[must_use]
    pub fn call<'a>(&self, feedback: &CallFeedback, request: &'a ChatRequest) -> OpenCall<'a> {
        OpenCall {
            unbilled: self.clone(),
            model: feedback.model().clone(),
            calibration: feedback.calibration(),
            request,
            ended: false,
        }
    }
}

/// A call under way. If it is dropped before its end, its caller has ended it, and its prompt counts.
#[derive(Debug)]
pub struct OpenCall<'a> {
    unbilled: Unbilled,
    model: Arc<ModelEntry>,
    calibration: Arc<TokenCalibration>,
    request: &'a ChatRequest,
    ended: bool,
}

impl OpenCall<'_> {
    /// The provider has ended the call, so only what it reports counts.
    pub fn ended(mut self) {
        self.ended = true;
    }
}

impl Drop for OpenCall<'_> {
    fn drop(&mut self) {
        if let Some(price) = self.model.settings.price.as_ref().filter(|_| !self.ended) {
            let input =
                self.calibration.most_of_prompt(self.request.size(), self.model.settings.context_window);
            let amount = Usage::estimate(input, 0).known_cost(price);
            self.unbilled.0.fetch_add(amount, Ordering::Relaxed);
        }
    }
}
