//! What is reserved for one request while it runs: money of budgets, and headroom of limits.

use std::sync::Arc;

use super::request_row::ServedAnswer;
use crate::domain::routing_info::LimitStatus;
use crate::gateway::routing::budget::BudgetReservation;
use crate::gateway::routing::headroom::CallHeadroom;
use crate::store::recorder::After;

/// What is reserved for a request. Dropped before it is settled, the money is released, and the headroom that counts only
/// while it runs.
#[derive(Debug, Default)]
pub struct Reserved {
    /// The money; `None` if no budget limits the request.
    pub money: Option<Arc<BudgetReservation>>,
    /// The headroom of its calls; `None` if no limit applies to them.
    pub headroom: Option<Arc<CallHeadroom>>,
}

impl Reserved {
    /// Counts the tokens of the answer and of calls that failed, in place of those that were taken. `whole`: the answer is
    /// complete.
    pub(super) fn tokens_used(&self, served: &ServedAnswer, whole: bool, unbilled: i64) {
        let Some(headroom) = &self.headroom else { return };
        let used = served.usage.map_or(0, |usage| usage.input.saturating_add(usage.output));
        let model = served.model.as_ref().filter(|_| whole);
        let answered = model.zip(served.usage).map(|(model, usage)| (model.id, usage.output));
        headroom.settle(used.saturating_add(unbilled), answered);
    }

    /// Counts the cost of the request, which has a row that is about to be handed to the writer. Returns what is to be
    /// called once that is durable or lost.
    pub(super) fn spent(&self, cost: i64) -> Option<After> {
        let money = self.money.as_ref()?;
        let arrived = money.leave(cost);
        let Some(spent) = self.headroom.as_ref().and_then(|headroom| headroom.spend(cost)) else {
            return Some(arrived);
        };
        Some(Box::new(move || {
            arrived();
            spent.recorded();
        }))
    }

    /// The tightest limit of tokens.
    pub(super) fn tokens(&self) -> Option<LimitStatus> {
        self.headroom.as_ref()?.tokens()
    }
}
