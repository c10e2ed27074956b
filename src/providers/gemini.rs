//! How models of Gemini reason, by their names: `gemini-2.5-flash-lite`, `models/gemini-3-pro-preview`, `gemini-flash-latest`.
//!
//! V ai.google.dev/gemini-api/docs/thinking, cloud.google.com/vertex-ai/generative-ai/docs/thinking: budgets in the generation
//! of 2.5, levels after it, which cannot be switched off. All were read in November 2026.

/// How a model is asked to reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thinking {
    /// Not at all: a configuration of it is refused.
    None,
    /// With the most tokens that it may use.
    Budget(Budget),
    /// With one of these efforts.
    Level(&'static [&'static str]),
}

/// The budgets that a model takes, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The smallest one, besides none.
    pub least: u64,
    /// The largest one that it takes.
    pub most: u64,
    /// Whether reasoning can be switched off with a budget of 0.
    pub off: bool,
}

/// What a model accepts of a request that was written in another dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gemini {
    /// How it is asked to reason.
    pub thinking: Thinking,
    /// Whether the first call of each answer in the history must have a signature.
    pub signed_calls: bool,
}

const LEVELS: &[&str] = &["minimal", "low", "medium", "high"];
/// Those of the larger models, which always reason. Google's own chat completions took `medium` for `high` (V
/// ai.google.dev/gemini-api/docs/gemini-3), so that is listed first.
pub(super) const LEVELS_OF_PRO: &[&str] = &["high", "low"];
/// Those of the larger models from 3.1 on.
const MORE_LEVELS_OF_PRO: &[&str] = &["low", "medium", "high"];

impl Gemini {
    /// What a model accepts, by its provider's name for it and by the catalog's capability `reasoning`. An unknown name is of a
    /// model that was tuned, or of another family: it is not asked to reason unless it is known to.
    #[must_use]
    pub fn of(upstream_model: &str, reasons: Option<bool>) -> Self {
        let model = upstream_model.to_ascii_lowercase();
        let model = model.rsplit('/').next().unwrap_or_default();
        let is = |prefixes: &[&str]| prefixes.iter().any(|prefix| model.starts_with(prefix));
        let before = is(&["gemini-1", "gemini-2.0", "gemma-2", "gemma-3", "learnlm"]);
        let third = is(&["gemini"]) && !is(&["gemini-1", "gemini-2"]);
        let thinking = match reasons {
            Some(false) => Thinking::None,
            _ if before => Thinking::None,
            _ if is(&["gemini-2.5-pro"]) => Thinking::Budget(Budget { least: 128, most: 32_768, off: false }),
            _ if is(&["gemini-2.5-flash-lite"]) => {
                Thinking::Budget(Budget { least: 512, most: 24_576, off: true })
            }
            _ if is(&["gemini-2"]) => Thinking::Budget(Budget { least: 1, most: 24_576, off: true }),
            _ if third && is(&["gemini-3-pro", "gemini-pro-latest"]) => Thinking::Level(LEVELS_OF_PRO),
            _ if third && model.contains("-pro") => Thinking::Level(MORE_LEVELS_OF_PRO),
            _ if third => Thinking::Level(LEVELS),
            Some(true) => Thinking::Level(LEVELS),
            None => Thinking::None,
        };
        Self { thinking, signed_calls: third }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_are_known_by_their_names() {
        let budget = |least, most, off| Thinking::Budget(Budget { least, most, off });
        for (model, reasons, thinking, signed_calls) in [
            ("gemini-1.5-pro", None, Thinking::None, false),
            ("models/gemini-2.0-flash", None, Thinking::None, false),
            ("gemini-2.5-pro", None, budget(128, 32_768, false), false),
            ("gemini-2.5-flash-lite-preview", None, budget(512, 24_576, true), false),
            ("gemini-2.5-flash", Some(true), budget(1, 24_576, true), false),
            ("gemini-2.5-flash", Some(false), Thinking::None, false),
            ("gemini-3-pro-preview", None, Thinking::Level(LEVELS_OF_PRO), true),
            ("gemini-3.1-pro-preview", None, Thinking::Level(MORE_LEVELS_OF_PRO), true),
            ("models/Gemini-3-flash-preview", None, Thinking::Level(LEVELS), true),
            ("gemini-flash-latest", None, Thinking::Level(LEVELS), true),
            ("gemma-4", None, Thinking::None, false),
            ("tuned", Some(true), Thinking::Level(LEVELS), false),
        ] {
            assert_eq!(Gemini::of(model, reasons), Gemini { thinking, signed_calls }, "{model}");
        }
    }
}
