//! The three estimators of tokens, and what they learn from the counts of texts.

use crate::gateway::usage::text_size::TextSize;

/// Shorter texts are ignored.
const LEAST_TOKENS: i64 = 4;
/// The number of recent answers that count.
const MEMORY: f64 = 16.0;
/// The number of texts of a caller that are measured before only a sample is.
const FIRST: u32 = 16;
/// The least and the most tokens of a text, as parts of the estimate by kinds of characters. Tokenizers of vendors are
/// within these bounds for texts of every language.
pub(super) const LEAST_RATIO: f64 = 0.5;
pub(super) const MOST_RATIO: f64 = 2.0;
/// Counts that are so many times as large or small calibrate nothing.
const FAR: f64 = 4.0;
/// Tokens by which short texts may be beyond these bounds.
const SLACK: f64 = 4.0;

/// The estimators for the texts of one caller.
#[derive(Debug)]
pub(super) struct Rules {
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
    /// The initial estimators of a caller with no first texts, which is only sampled.
    pub(super) fn sampled() -> Self {
        Self { asked: FIRST, ..Self::default() }
    }

    /// Whether there was a count.
    pub(super) fn has_learned(&self) -> bool {
        self.kinds.seen > 0.0
    }

    /// The estimated tokens of a text.
    pub(super) fn estimate(&self, size: &TextSize) -> f64 {
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
        bounded(best.1, size)
    }

    /// Whether the next text is one of the first. Odd counts calibrate nothing, but they are asked for all the same.
    /// Otherwise, every text would be measured for a provider that never counts right.
    pub(super) fn is_among_the_first(&mut self) -> bool {
        let first = self.asked < FIRST;
        self.asked += u32::from(first);
        first
    }

    /// Adds a count of a text.
    pub(super) fn learn(&mut self, size: &TextSize, tokens: i64) {
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

/// An estimate within the bounds for all tokenizers.
pub(super) fn bounded(tokens: f64, size: &TextSize) -> f64 {
    let [kinds, ..] = units(size);
    tokens.clamp(kinds * LEAST_RATIO - SLACK, kinds * MOST_RATIO + SLACK)
}
