//! States as pages show them: a glyph, a word and a color, none of them alone.
//!
//! What is stored may be older than this program: a word that is not known is shown as it is.

use crate::domain::error_class::ErrorClass;

/// One state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// How it looks: `good`, `bad`, `warn` or `soft`.
    pub tone: &'static str,
    /// Its glyph.
    pub glyph: &'static str,
    /// Its word.
    pub word: String,
}

impl Mark {
    fn new(tone: &'static str, glyph: &'static str, word: &str) -> Self {
        Self { tone, glyph, word: word.to_owned() }
    }

    /// Why a candidate did not answer.
    #[must_use]
    pub fn of_class(word: &str) -> Self {
        match word.parse::<ErrorClass>() {
            Ok(class) if class.is_passed_over() => Self::new("soft", "↷", label(class)),
            Ok(ErrorClass::RateLimited | ErrorClass::QuotaExhausted) => Self::new("warn", "◔", &reason(word)),
            Ok(ErrorClass::Timeout) => Self::new("warn", "◷", &reason(word)),
            Ok(class) => Self::new("bad", "✕", label(class)),
            Err(_) => Self::new("soft", "?", word),
        }
    }

    /// How a request ended.
    #[must_use]
    pub fn of_outcome(outcome: &str, hops: i32) -> Self {
        match outcome {
            "answered" if hops > 0 => Self::new("good", "⤳", "By fallback"),
            "answered" => Self::new("soft", "✓", "First try"),
            "failed" => Self::new("bad", "✕", "Failed"),
            "interrupted" => Self::new("bad", "⚡", "Broke off"),
            "client_closed" => Self::new("soft", "⏏", "Caller left"),
            "running" => Self::new("soft", "…", "Under way"),
            other => Self::new("soft", "?", other),
        }
    }

    /// Whether a model is called when its turn comes.
    #[must_use]
    pub fn of_readiness(enabled: bool, cooling: bool) -> Self {
        match (enabled, cooling) {
            (false, _) => Self::new("soft", "○", "Switched off"),
            (true, true) => Self::new("warn", "◔", "Cooling down"),
            (true, false) => Self::new("good", "✓", "Ready"),
        }
    }

    /// Whether a key lets anybody in.
    #[must_use]
    pub fn of_key(revoked: bool, expired: bool) -> Self {
        match (revoked, expired) {
            (true, _) => Self::new("soft", "✕", "Revoked"),
            (false, true) => Self::new("warn", "◷", "Expired"),
            (false, false) => Self::new("good", "✓", "Works"),
        }
    }

    /// How a provider is.
    #[must_use]
    pub fn of_health(health: &str) -> Self {
        match health {
            "ok" => Self::new("good", "✓", "Works"),
            "failing" => Self::new("bad", "✕", "Failing"),
            "unknown" => Self::new("soft", "○", "Not tried yet"),
            other => Self::new("soft", "?", other),
        }
    }

    /// Where a record comes from, unless it is an ordinary one.
    #[must_use]
    pub fn of_origin(origin: &str) -> Option<Self> {
        match origin {
            "live" => None,
            "drill" => Some(Self::new("warn", "◇", "Drill")),
            "demo" => Some(Self::new("soft", "◇", "Demo")),
            other => Some(Self::new("soft", "?", other)),
        }
    }
}

/// The label of a class, by the word that is stored.
#[must_use]
pub fn reason(word: &str) -> String {
    word.parse().map_or_else(|_| word.to_owned(), |class| label(class).to_owned())
}

/// A class in a few words, as a label.
#[must_use]
pub fn label(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::RateLimited => "Rate limited",
        ErrorClass::QuotaExhausted => "Out of quota",
        ErrorClass::Overloaded => "Overloaded",
        ErrorClass::Unavailable => "Unavailable",
        ErrorClass::Timeout => "Timed out",
        ErrorClass::ContextWindowExceeded => "Prompt too long",
        ErrorClass::ContentPolicy => "Content refused",
        ErrorClass::Authentication => "Credential refused",
        ErrorClass::ModelNotFound => "Model not found",
        ErrorClass::InvalidRequest => "Request refused",
        ErrorClass::InvalidResponse => "Unusable answer",
        ErrorClass::StreamInterrupted => "Stream broke off",
        ErrorClass::Cooldown => "Cooling down",
        ErrorClass::Disabled => "Switched off",
        ErrorClass::NotAllowed => "Not allowed",
        ErrorClass::OverBudget => "Over budget",
        ErrorClass::Deadline => "No time left",
        ErrorClass::TooLarge => "Too large for it",
        ErrorClass::LacksCapability => "Cannot do it",
    }
}

/// A class as what happened, to follow a model's name: `gpt-4o` was out of quota.
#[must_use]
pub fn happening(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::RateLimited => "was limiting its callers",
        ErrorClass::QuotaExhausted => "had no quota left",
        ErrorClass::Overloaded => "was overloaded",
        ErrorClass::Unavailable => "could not be reached or was broken",
        ErrorClass::Timeout => "took too long",
        ErrorClass::ContextWindowExceeded => "found the prompt too long",
        ErrorClass::ContentPolicy => "refused the content",
        ErrorClass::Authentication => "did not accept our credential",
        ErrorClass::ModelNotFound => "was not known to its provider",
        ErrorClass::InvalidRequest => "refused the request",
        ErrorClass::InvalidResponse => "gave no usable answer",
        ErrorClass::StreamInterrupted => "broke off in the middle of its answer",
        ErrorClass::Cooldown => "had been failing and was left alone for a while",
        ErrorClass::Disabled => "is switched off",
        ErrorClass::NotAllowed => "may not be used with that key",
        ErrorClass::OverBudget => "would have cost more than was left",
        ErrorClass::Deadline => "was not asked, for no time was left",
        ErrorClass::TooLarge => "was not asked, for the prompt is larger than its window",
        ErrorClass::LacksCapability => "was not asked, for it cannot do what was asked for",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_a_glyph_and_a_word_of_its_own() {
        let mut words: Vec<String> = Vec::new();
        for class in ErrorClass::ALL {
            let mark = Mark::of_class(class.as_str());
            assert!(!mark.glyph.is_empty() && mark.glyph != "?", "{class}");
            assert_eq!(mark.word, label(class));
            assert!(!words.contains(&mark.word), "{}", mark.word);
            words.push(mark.word);
        }
        assert_eq!(Mark::of_class("of the future").word, "of the future");
    }
}
