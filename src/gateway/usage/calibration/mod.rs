//! Calibrates token estimates for each model with the counts that its provider reports for texts of known size.
//!
//! There are three estimators: by kinds of characters, by bytes, and by the chunks of a stream (most providers send
//! one token per chunk). Of each caller's texts, the one with the smallest error so far is used. Other callers get a mean,
//! in which each caller has a small part, so that one with odd texts hardly moves it. Kept in memory for each process;
//! losing it costs only accuracy.

mod lengths;
mod rules;
mod side;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use entity::ids::ModelId;

use crate::domain::IdMap;
use crate::gateway::usage::text_size::TextSize;
use lengths::Lengths;
use side::Side;

/// The most models that are kept. Above it all are dropped, which only happens with very many models.
const MOST_MODELS: usize = 50_000;
/// The window of a model with an unknown one, in tokens. Few have a larger one.
const UNKNOWN_WINDOW: i64 = 1_048_576;

/// The calibrations of all models.
#[derive(Debug, Default)]
pub struct TokenCalibrations {
    by_model: IdMap<ModelId, Arc<OfModel>>,
}

impl TokenCalibrations {
    /// The calibration of a model for a caller, which is a hash of its API key.
    #[must_use]
    pub fn of(&self, model: ModelId, caller: u64) -> TokenCalibration {
        let models = self.by_model.pin();
        if let Some(known) = models.get(&model) {
            return TokenCalibration { model: known.clone(), caller };
        }
        if models.len() >= MOST_MODELS {
            models.clear();
        }
        TokenCalibration { model: models.get_or_insert_with(model, Arc::default).clone(), caller }
    }
}

/// The calibration of one model for one caller, for prompts and for answers.
#[derive(Debug, Clone, Default)]
pub struct TokenCalibration {
    model: Arc<OfModel>,
    caller: u64,
}

/// What is known of one model.
#[derive(Debug, Default)]
struct OfModel {
    sides: Mutex<Sides>,
    /// Whether the provider last said that it bills an answer.
    billed: AtomicBool,
}

#[derive(Debug, Default)]
struct Sides {
    prompts: Side,
    answers: Side,
    completions: Lengths,
}

impl TokenCalibration {
    /// The estimated tokens of a prompt.
    #[must_use]
    pub fn prompt(&self, size: &TextSize) -> i64 {
        self.sides().prompts.estimate(self.caller, size)
    }

    /// The tokens that budgets count for a prompt: an estimate that is high rather than low, at most the model's window,
    /// and all of that if the size of its content is not known.
    #[must_use]
    pub fn most_of_prompt(&self, size: &TextSize, window: Option<i64>) -> i64 {
        let tokens = self.prompt(size).max(size.least_tokens());
        match window {
            Some(window) if size.open_ended => window,
            Some(window) => tokens.min(window),
            None if size.open_ended => tokens.max(UNKNOWN_WINDOW),
            None => tokens,
        }
    }

    /// Whether the caller's next prompt is to be measured: the first ones of a caller are, and then a sample.
    #[must_use]
    pub fn samples_prompt(&self) -> bool {
        self.sides().prompts.samples(self.caller)
    }

    /// Whether the next answer to the caller is to be measured, by the same rule.
    #[must_use]
    pub fn samples_answer(&self) -> bool {
        self.sides().answers.samples(self.caller)
    }

    /// Notes the cost that the provider reported for an answer.
    pub fn reported_cost(&self, billed: Option<i64>) {
        if let Some(billed) = billed {
            self.model.billed.store(billed > 0, Ordering::Relaxed);
        }
    }

    /// Whether the provider last said that it bills an answer.
    #[must_use]
    pub fn is_billed(&self) -> bool {
        self.model.billed.load(Ordering::Relaxed)
    }

    fn sides(&self) -> MutexGuard<'_, Sides> {
        self.model.sides.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The estimated tokens of an answer.
    #[must_use]
    pub fn answer(&self, size: &TextSize) -> i64 {
        self.sides().answers.estimate(self.caller, size)
    }

    /// Adds the provider's count of a prompt.
    pub fn prompt_counted(&self, size: &TextSize, tokens: i64) {
        self.sides().prompts.learn(self.caller, size, tokens);
    }

    /// Adds the provider's count of an answer.
    pub fn answer_counted(&self, size: &TextSize, tokens: i64) {
        self.sides().answers.learn(self.caller, size, tokens);
    }

    /// The tokens of the caller's longest recent completion without a limit; `None` if there were too few.
    #[must_use]
    pub fn usual_completion(&self) -> Option<i64> {
        self.sides().completions.usual(self.caller)
    }

    /// Adds the provider's count of a completion that no limit has cut.
    pub fn completion_counted(&self, tokens: i64) {
        self.sides().completions.add(self.caller, tokens);
    }
}
