//! What a call may cost. Budgets reserve it, and dry runs show it.

use super::RoutingContext;
use crate::gateway::routing::budget::Estimate;
use crate::gateway::usage::answer_limit::AnswerLimit;
use crate::gateway::usage::asked::asks_for_an_hour;
use crate::gateway::usage::calibration::TokenCalibration;
use crate::gateway::usage::pricing::Usage;
use crate::providers::ModelPrice;
use crate::store::snapshot::ModelEntry;

impl RoutingContext<'_> {
    /// Estimates the cost of a call. Estimates are high rather than low: an unnoticed overrun costs money.
    pub(super) fn estimate(&self, model: &ModelEntry) -> Estimate {
        let known = |price: &&ModelPrice| **price != ModelPrice::default();
        let Some(price) = model.settings.price.as_ref().filter(known) else { return self.unpriced };
        let calibration = self.calibration(model);
        if price.is_free() {
            // Its provider says what it bills, and that takes precedence over the price.
            return if calibration.is_billed() { Estimate::Unknown } else { Estimate::Free };
        }
        let prompt = self.request.as_sent_to(model).size();
        let input = calibration.most_of_prompt(prompt, self.request.window_of(model));
        // Only a request that asks for it is kept in a cache for an hour, at a price of its own.
        let shorter = price.without_hour();
        let price = if shorter == *price || !asks_for_an_hour(self.request) { shorter } else { *price };
        let price = price.dearest(prompt.sounds, self.request.asks_for_audio());
        let cost = |output: i64| Usage::estimate(input, output).known_cost(&price);
        let (least, most) = self.limit().range(model, || calibration.usual_completion());
        Estimate::Between { least: cost(least), most: cost(most) }
    }

    /// The cost of the prompt alone, and of a call with the longest answer, as budgets reserve it, in nano-dollars. The latter
    /// is `None` if the answer has no known limit, and so are both if a price is unknown.
    #[must_use]
    pub fn cost_range(&self, model: &ModelEntry) -> Option<(i64, Option<i64>)> {
        let price = model.settings.price.as_ref()?;
        let size = self.request.as_sent_to(model).size();
        let prompt = self.calibration(model).prompt(size).max(size.least_tokens());
        let prompt = self.request.window_of(model).map_or(prompt, |window| prompt.min(window));
        let lowest = Usage::estimate(prompt, 0).cost(price)?;
        let longest = self.limit().known(model);
        let whole = longest.and_then(|output| Usage::estimate(prompt, output).cost(price));
        let highest = match self.estimate(model) {
            Estimate::Between { most, .. } => whole.map(|whole| most.max(whole)),
            Estimate::Free => whole,
            Estimate::Unknown | Estimate::Unpriced => None,
        };
        Some((lowest, highest))
    }

    pub(super) fn calibration(&self, model: &ModelEntry) -> TokenCalibration {
        let calibrations = self.state.calibrations;
        calibrations.map(|calibrations| calibrations.of(model.id, self.caller)).unwrap_or_default()
    }

    pub(super) fn limit(&self) -> &AnswerLimit {
        self.limit.get_or_init(|| AnswerLimit::of(self.request))
    }
}
