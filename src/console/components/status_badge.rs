//! Status badges: a glyph, a word and a color, so that none carries the meaning alone.
//!
//! Stored values may be newer than this program; an unknown value is shown as it is.

use crate::domain::closed_set::Stored;
use crate::domain::failure::class::ErrorClass;
use crate::domain::origin::Origin;
use crate::domain::outcome::Outcome;

/// One status with its look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusBadge {
    /// Color: `good`, `bad`, `warn` or `soft`.
    pub tone: &'static str,
    /// Glyph before the word.
    pub glyph: &'static str,
    /// The status as a word.
    pub word: String,
}

impl StatusBadge {
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

    /// Why a candidate did not answer, with the failure that opened its cooldown, if its rule names it.
    #[must_use]
    pub fn of_failure(word: &str, rule: Option<&str>) -> Self {
        let badge = Self::of_class(word);
        match opened_by(rule) {
            Some(cause) => {
                Self { word: format!("{} ({})", badge.word, label(cause).to_lowercase()), ..badge }
            }
            None => badge,
        }
    }

    /// How a request ended.
    #[must_use]
    pub fn of_outcome(outcome: &Stored<Outcome>, hops: i32) -> Self {
        let Some(known) = outcome.known() else { return Self::new("soft", "?", outcome.as_str()) };
        match known {
            Outcome::Answered if hops > 0 => Self::new("good", "⤳", "By fallback"),
            Outcome::Answered => Self::new("soft", "✓", "First try"),
            Outcome::Failed => Self::new("bad", "✕", "Failed"),
            Outcome::Interrupted => Self::new("bad", "⚡", "Interrupted"),
            Outcome::ClientClosed => Self::new("soft", "⏏", "Caller disconnected"),
            Outcome::Running => Self::new("soft", "…", "In progress"),
        }
    }

    /// Whether a model can be called.
    #[must_use]
    pub fn of_readiness(enabled: bool, cooling: bool) -> Self {
        match (enabled, cooling) {
            (false, _) => Self::new("soft", "○", "Disabled"),
            (true, true) => Self::new("warn", "◔", "Cooling down"),
            (true, false) => Self::new("good", "✓", "Ready"),
        }
    }

    /// A model with a cooldown that has ended: it is called again, first by one request as a test.
    #[must_use]
    pub fn of_ended_cooldown() -> Self {
        Self::new("soft", "◕", "Cooldown ended")
    }

    /// Whether a key is valid.
    #[must_use]
    pub fn of_key(revoked: bool, expired: bool) -> Self {
        match (revoked, expired) {
            (true, _) => Self::new("soft", "✕", "Revoked"),
            (false, true) => Self::new("warn", "◷", "Expired"),
            (false, false) => Self::new("good", "✓", "Works"),
        }
    }

    /// Health of a provider.
    #[must_use]
    pub fn of_health(health: &str) -> Self {
        match health {
            "ok" => Self::new("good", "✓", "Works"),
            "failing" => Self::new("bad", "✕", "Failing"),
            "unknown" => Self::new("soft", "○", "Not tried yet"),
            other => Self::new("soft", "?", other),
        }
    }

    /// Origin of a record; `None` for live traffic.
    #[must_use]
    pub fn of_origin(origin: &Stored<Origin>) -> Option<Self> {
        let Some(known) = origin.known() else { return Some(Self::new("soft", "?", origin.as_str())) };
        match known {
            Origin::Live => None,
            Origin::Drill => Some(Self::new("warn", "◇", "Drill")),
            Origin::Demo => Some(Self::new("soft", "◇", "Demo")),
        }
    }
}

/// Label of a stored error class.
#[must_use]
pub fn reason(word: &str) -> String {
    word.parse().map_or_else(|_| word.to_owned(), |class| label(class).to_owned())
}

/// The class of the failure that opened the cooldown for which a candidate was skipped, by the rule of its event.
#[must_use]
pub fn opened_by(rule: Option<&str>) -> Option<ErrorClass> {
    rule?.strip_prefix("cooldown:")?.parse().ok()
}

/// Short label of an error class.
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
        ErrorClass::StreamInterrupted => "Stream interrupted",
        ErrorClass::Cooldown => "Cooling down",
        ErrorClass::Disabled => "Disabled",
        ErrorClass::NotAllowed => "Not allowed",
        ErrorClass::OverBudget => "Over budget",
        ErrorClass::NoHeadroom => "No headroom",
        ErrorClass::Deadline => "Deadline passed",
        ErrorClass::TooLarge => "Too large",
        ErrorClass::LacksCapability => "Not supported",
    }
}

/// An error class as a predicate that follows a model's name: `gpt-4o` "had no quota left".
#[must_use]
pub fn happening(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::RateLimited => "limited the rate of requests",
        ErrorClass::QuotaExhausted => "had no quota left",
        ErrorClass::Overloaded => "was overloaded",
        ErrorClass::Unavailable => "was unavailable",
        ErrorClass::Timeout => "took too long",
        ErrorClass::ContextWindowExceeded => "rejected the prompt as too long",
        ErrorClass::ContentPolicy => "refused the content",
        ErrorClass::Authentication => "did not accept our credential",
        ErrorClass::ModelNotFound => "does not exist at its provider",
        ErrorClass::InvalidRequest => "refused the request",
        ErrorClass::InvalidResponse => "sent an unusable answer",
        ErrorClass::StreamInterrupted => "stopped in the middle of its answer",
        ErrorClass::Cooldown => "was cooling down after failures",
        ErrorClass::Disabled => "is disabled",
        ErrorClass::NotAllowed => "is not allowed for this key",
        ErrorClass::OverBudget => "would have exceeded the budget",
        ErrorClass::NoHeadroom => "was not called because a limit left no room for it",
        ErrorClass::Deadline => "was not called because the deadline had passed",
        ErrorClass::TooLarge => "was not called because the prompt is larger than its context window",
        ErrorClass::LacksCapability => "was not called because it does not support the request",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_a_distinct_label_and_a_glyph() {
        let mut words: Vec<String> = Vec::new();
        for class in ErrorClass::ALL {
            let mark = StatusBadge::of_class(class.as_str());
            assert!(!mark.glyph.is_empty() && mark.glyph != "?", "{class}");
            assert_eq!(mark.word, label(class));
            assert!(!words.contains(&mark.word), "{}", mark.word);
            words.push(mark.word);
        }
        assert_eq!(StatusBadge::of_class("of the future").word, "of the future");
        let word = |rule| StatusBadge::of_failure("cooldown", rule).word;
        assert_eq!(word(Some("cooldown:rate_limited")), "Cooling down (rate limited)");
        assert_eq!(
            (word(Some("cooldown:of_the_future")), word(None)),
            (word(Some("cooldown")), "Cooling down".to_owned())
        );
    }
}
