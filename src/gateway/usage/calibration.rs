//! Calibrates token estimates for each model with the counts that its provider reports for texts of known size.
//!
//! There are three estimators: by kinds of characters, by bytes, and by the chunks of a stream (most providers send
//! one token per chunk). For each model the one with the smallest error so far is used. Kept in memory for each
//! process; losing it costs only accuracy.

use std::sync::{Arc, Mutex, PoisonError};

use entity::ids::ModelId;

use crate::domain::IdMap;
use crate::gateway::usage::text_size::TextSize;

/// The most models that are kept. Above it all are dropped, which only happens with very many models.
const MOST_MODELS: usize = 50_000;
/// Shorter texts are ignored.
const LEAST_TOKENS: i64 = 4;
/// The number of recent answers that count.
const MEMORY: f64 = 16.0;
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
}

#[derive(Debug, Default)]
struct Sides {
    prompts: Rules,
    answers: Rules,
    /// The answers that could have been measured since the first ones were.
    passed: u32,
}

impl TokenCalibration {
    /// The estimated tokens of a prompt.
    #[must_use]
    pub fn prompt(&self, size: &TextSize) -> i64 {
        self.sides.lock().unwrap_or_else(PoisonError::into_inner).prompts.estimate(size)
    }

    /// The tokens that budgets count for a prompt: an estimate that is high rather than low, at most the model's window.
    #[must_use]
    pub fn most_of_prompt(&self, size: &TextSize, window: Option<i64>) -> i64 {
        let tokens = self.prompt(size).max(size.least_tokens());
        window.map_or(tokens, |window| tokens.min(window))
    }

    /// Whether enough prompts were counted.
    #[must_use]
    pub fn knows_prompts(&self) -> bool {
        self.sides.lock().unwrap_or_else(PoisonError::into_inner).prompts.bytes.seen >= MEMORY
    }

    /// Whether the next answer is to be measured: the first ones of a model are, and then a sample.
    #[must_use]
    pub fn samples_answer(&self) -> bool {
        let mut sides = self.sides.lock().unwrap_or_else(PoisonError::into_inner);
        if sides.answers.bytes.seen < MEMORY {
            return true;
        }
        sides.passed = (sides.passed + 1) % SAMPLED;
        sides.passed == 0
    }

    /// The estimated tokens of an answer.
    #[must_use]
    pub fn answer(&self, size: &TextSize) -> i64 {
        self.sides.lock().unwrap_or_else(PoisonError::into_inner).answers.estimate(size)
    }

    /// Adds the provider's count of a prompt.
    pub fn prompt_counted(&self, size: &TextSize, tokens: i64) {
        self.sides.lock().unwrap_or_else(PoisonError::into_inner).prompts.learn(size, tokens);
    }

    /// Adds the provider's count of an answer.
    pub fn answer_counted(&self, size: &TextSize, tokens: i64) {
        self.sides.lock().unwrap_or_else(PoisonError::into_inner).answers.learn(size, tokens);
    }
}

#[derive(Debug)]
struct Rules {
    kinds: Rule,
    bytes: Rule,
    pieces: Rule,
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
        Self { kinds: rule(1.0, 0.12), bytes: rule(0.25, 0.25), pieces: rule(1.0, 0.08) }
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
        whole(best.1)
    }

    fn learn(&mut self, size: &TextSize, tokens: i64) {
        if tokens < LEAST_TOKENS {
            return;
        }
        let [kinds, bytes, pieces] = units(size);
        for (rule, units) in [(&mut self.kinds, kinds), (&mut self.bytes, bytes), (&mut self.pieces, pieces)]
        {
            rule.learn(units, tokens);
        }
    }
}

impl Rule {
    fn learn(&mut self, units: f64, tokens: i64) {
        if units < 1.0 {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
        let tokens = tokens as f64;
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
