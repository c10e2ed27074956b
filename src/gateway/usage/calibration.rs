//! Calibrates token estimates for each model with the counts that its provider reports for texts of known size.
//!
//! There are three estimators: by kinds of characters, by bytes, and by the chunks of a stream (most providers send
//! one token per chunk). For each model the one with the smallest error so far is used. Kept in memory for each
//! process; losing it costs only accuracy.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use entity::ids::ModelId;

use crate::domain::IdMap;
use crate::gateway::usage::text_size::TextSize;

/// The most models that are kept. Above it all are dropped, which only happens with very many models.
const MOST_MODELS: usize = 50_000;
/// Shorter texts are ignored.
const LEAST_TOKENS: i64 = 4;
/// The number of recent answers that count.
const MEMORY: f64 = 16.0;
/// The number of texts of a model that are measured before only a sample is.
const FIRST: u32 = 16;
/// The least and the most tokens of a text, as parts of the estimate by kinds of characters. Tokenizers of vendors are
/// within these bounds for texts of every language.
const LEAST_RATIO: f64 = 0.5;
const MOST_RATIO: f64 = 2.0;
/// Counts that are so many times as large or small calibrate nothing.
const FAR: f64 = 4.0;
/// Tokens by which short texts may be beyond these bounds.
const SLACK: f64 = 4.0;
/// The window of a model with an unknown one, in tokens. Few have a larger one.
const UNKNOWN_WINDOW: i64 = 1_048_576;
/// The number of callers that are remembered.
const CALLERS: usize = 16;
/// Once a model is known, one of this many answers is measured.
const SAMPLED: u32 = 16;

/// The calibrations of all models.
#[derive(Debug, Default)]
pub struct TokenCalibrations {
    by_model: IdMap<ModelId, Arc<TokenCalibration>>,
}

impl TokenCalibrations {
    /// The calibration of a model.
    #[must_use]
    pub fn of(&self, model: ModelId) -> Arc<TokenCalibration> {
        let models = self.by_model.pin();
        if let Some(calibration) = models.get(&model) {
            return calibration.clone();
        }
        if models.len() >= MOST_MODELS {
            models.clear();
        }
        models.get_or_insert_with(model, Arc::default).clone()
    }
}

/// The calibration of one model, for prompts and for answers.
#[derive(Debug, Default)]
pub struct TokenCalibration {
    sides: Mutex<Sides>,
    /// Whether the provider last said that it bills an answer.
    billed: AtomicBool,
}

#[derive(Debug, Default)]
struct Sides {
    prompts: Rules,
    answers: Rules,
    /// The answers that could have been measured since the first ones were.
    passed: u32,
    /// The same for prompts.
    passed_prompts: u32,
    callers: Callers,
}

/// The callers of the last answers that calibrated a model.
#[derive(Debug, Default)]
struct Callers {
    recent: VecDeque<u128>,
    /// The answers that were left out.
    passed: u32,
}

impl Callers {
    /// Whether an answer to this caller may calibrate the model. Of a caller who has half of the last ones, while there are
    /// others, few do.
    fn admits(&mut self, caller: u128) -> bool {
        let own = self.recent.iter().filter(|recent| **recent == caller).count();
        if own * 2 >= CALLERS && own < self.recent.len() {
            self.passed = (self.passed + 1) % SAMPLED;
            if self.passed != 0 {
                return false;
            }
        }
        self.recent.push_back(caller);
        if self.recent.len() > CALLERS {
            self.recent.pop_front();
        }
        true
    }
}

impl TokenCalibration {
    /// The estimated tokens of a prompt.
    #[must_use]
    pub fn prompt(&self, size: &TextSize) -> i64 {
        self.sides().prompts.estimate(size)
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

    /// Whether the next prompt is to be measured: the first ones of a model are, and then a sample.
    #[must_use]
    pub fn samples_prompt(&self) -> bool {
        let mut sides = self.sides();
        let Sides { prompts, passed_prompts, .. } = &mut *sides;
        prompts.samples(passed_prompts)
    }

    /// Whether the next answer is to be measured, by the same rule.
    #[must_use]
    pub fn samples_answer(&self) -> bool {
        let mut sides = self.sides();
        let Sides { answers, passed, .. } = &mut *sides;
        answers.samples(passed)
    }

    /// Whether an answer to this caller may calibrate the model.
    #[must_use]
    pub fn admits(&self, caller: u128) -> bool {
        self.sides().callers.admits(caller)
    }

    /// Notes the cost that the provider reported for an answer.
    pub fn reported_cost(&self, billed: Option<i64>) {
        if let Some(billed) = billed {
            self.billed.store(billed > 0, Ordering::Relaxed);
        }
    }

    /// Whether the provider last said that it bills an answer.
    #[must_use]
    pub fn is_billed(&self) -> bool {
        self.billed.load(Ordering::Relaxed)
    }

    fn sides(&self) -> MutexGuard<'_, Sides> {
        self.sides.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The estimated tokens of an answer.
    #[must_use]
    pub fn answer(&self, size: &TextSize) -> i64 {
        self.sides().answers.estimate(size)
    }

    /// Adds the provider's count of a prompt.
    pub fn prompt_counted(&self, size: &TextSize, tokens: i64) {
        self.sides().prompts.learn(size, tokens);
    }

    /// Adds the provider's count of an answer.
    pub fn answer_counted(&self, size: &TextSize, tokens: i64) {
        self.sides().answers.learn(size, tokens);
    }
}

#[derive(Debug)]
struct Rules {
    kinds: Rule,
    bytes: Rule,
    pieces: Rule,
    /// The number of the first texts that were measured.
    asked: u32,
}

/// One estimator and its error so far.
#[derive(Debug)]
struct Rule {
    /// Tokens for each unit.
    ratio: f64,
    /// The average relative error.
    error: f64,
    seen: f64,
}

/// The initial estimators: four bytes per token, one chunk per token, and typical errors.
impl Default for Rules {
    fn default() -> Self {
        let rule = |ratio, error| Rule { ratio, error, seen: 0.0 };
        Self { kinds: rule(1.0, 0.12), bytes: rule(0.25, 0.25), pieces: rule(1.0, 0.08), asked: 0 }
    }
}

impl Rules {
    fn estimate(&self, size: &TextSize) -> i64 {
        let [kinds, bytes, pieces] = units(size);
        let by_kinds = self.kinds.ratio * kinds;
        let by_pieces = self.pieces.ratio * pieces;
        // Unusually large or small chunks are not used until the model is known to send such chunks.
        let plausible = pieces > 0.0
            && (self.pieces.seen > 0.0 || (by_kinds * 0.6..=by_kinds * 1.67 + 2.0).contains(&by_pieces));
        let mut best = (self.kinds.error, by_kinds);
        if self.bytes.error < best.0 {
            best = (self.bytes.error, self.bytes.ratio * bytes);
        }
        if plausible && self.pieces.error < best.0 {
            best = (self.pieces.error, by_pieces);
        }
        // One caller's odd texts must not change what others' cost.
        whole(best.1.clamp(kinds * LEAST_RATIO - SLACK, kinds * MOST_RATIO + SLACK))
    }

    /// Odd counts calibrate nothing, but they are asked for all the same. Otherwise, every text would be measured for a
    /// provider that never counts right.
    fn samples(&mut self, passed: &mut u32) -> bool {
        if self.asked < FIRST {
            self.asked += 1;
            return true;
        }
        *passed = (*passed + 1) % SAMPLED;
        *passed == 0
    }

    fn learn(&mut self, size: &TextSize, tokens: i64) {
        if tokens < LEAST_TOKENS {
            return;
        }
        let [kinds, bytes, pieces] = units(size);
        #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
        let tokens = tokens as f64;
        // A provider that counts far more or less has counted something else than the text.
        if kinds < 1.0 || !(kinds / FAR - SLACK..=kinds * FAR + SLACK).contains(&tokens) {
            return;
        }
        let tokens = tokens.clamp(kinds * LEAST_RATIO, kinds * MOST_RATIO);
        for (rule, units) in [(&mut self.kinds, kinds), (&mut self.bytes, bytes), (&mut self.pieces, pieces)]
        {
            rule.learn(units, tokens);
        }
    }
}

impl Rule {
    fn learn(&mut self, units: f64, tokens: f64) {
        if units < 1.0 {
            return;
        }
        let weight = (self.seen + 1.0).min(MEMORY);
        // One answer can change the ratio only within bounds, so that a wrong count has little effect.
        let off = (self.ratio * units / tokens - 1.0).abs().min(1.0);
        let ratio = (tokens / units).clamp(self.ratio / 4.0, self.ratio * 4.0);
        self.error += (off - self.error) / (weight + 1.0);
        self.ratio += (ratio - self.ratio) / weight;
        self.seen = weight;
    }
}

fn units(size: &TextSize) -> [f64; 3] {
    #[expect(clippy::cast_precision_loss, reason = "texts are far smaller than 2^52 bytes")]
    [size.tokens(), size.bytes, size.pieces].map(|units| units as f64)
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to a range that fits")]
fn whole(tokens: f64) -> i64 {
    tokens.ceil().clamp(0.0, 1e9) as i64
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    fn size(text: &str, pieces: u64) -> TextSize {
        let raw = RawValue::from_string(serde_json::Value::from(text).to_string()).expect("JSON");
        let mut size = TextSize::of_value(&raw);
        size.pieces = pieces;
        size
    }

    const WORDS: &str = "It was a bright cold day in April and the clocks were striking thirteen. ";

    #[test]
    fn a_stream_of_tokens_is_counted_by_its_pieces() {
        let calibration = TokenCalibration::default();
        assert_eq!(calibration.answer(&size(WORDS, 17)), 17);
        // Three large pieces are no tokens.
        assert!((14..=20).contains(&calibration.answer(&size(WORDS, 3))));
    }

    #[test]
    fn the_rule_that_was_right_is_asked() {
        let calibration = TokenCalibration::default();
        let texts = [WORDS, "{\"a\": 1, \"b\": [2, 3]}; ", "x = y * 77 - z // 12; ", "Œuvre naïve, où? "];
        for length in 1..20 {
            let text = texts[length % texts.len()].repeat(length);
            let size = size(&text, 3 * length as u64);
            // A provider that reckons three bytes to a token.
            calibration.answer_counted(&size, size.bytes.div_ceil(3).cast_signed());
        }
        let japanese = size(&"名前はまだ無い。".repeat(9), 40);
        let counted = japanese.bytes.div_ceil(3).cast_signed();
        assert!(calibration.answer(&japanese).abs_diff(counted) * 20 <= counted.unsigned_abs());
    }

    #[test]
    fn the_answers_of_a_known_model_are_sampled() {
        let calibration = TokenCalibration::default();
        for _ in 0..16 {
            assert!(calibration.samples_answer());
            calibration.answer_counted(&size(WORDS, 0), 17);
        }
        assert_eq!((0..160).filter(|_| calibration.samples_answer()).count(), 10);
    }

    #[test]
    fn a_provider_that_never_counts_right_is_sampled_too() {
        let calibration = TokenCalibration::default();
        for _ in 0..16 {
            assert!(calibration.samples_prompt());
            calibration.prompt_counted(&size(WORDS, 0), 1_000_000);
        }
        assert_eq!((0..160).filter(|_| calibration.samples_prompt()).count(), 10);
    }

    #[test]
    fn one_hostile_count_does_not_carry_over() {
        let calibration = TokenCalibration::default();
        for _ in 0..16 {
            calibration.answer_counted(&size(WORDS, 0), 17);
        }
        calibration.answer_counted(&size(WORDS, 0), 1_000_000_000);
        assert!((14..=24).contains(&calibration.answer(&size(WORDS, 0))));
    }

    #[test]
    fn habits_are_bounded() {
        let calibrations = TokenCalibrations::default();
        for number in 0..=MOST_MODELS as u128 {
            let _ = calibrations.of(ModelId(uuid::Uuid::from_u128(number)));
        }
        assert!(calibrations.by_model.len() <= MOST_MODELS);
    }
}
