//! Closed sets of values that are stored and sent as words, such as outcomes, origins and error classes.
//!
//! The database keeps the words as text. During an upgrade, a newer release may write a word that this release does
//! not know; [`Stored`] keeps such a word as it is, so that the row can still be read, shown and exported.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A set of values, each with one word for the database, JSON, filters and metrics.
pub trait ClosedSet: Copy + Eq + 'static {
    /// Every value, in the order in which they are listed.
    const VALUES: &'static [Self];

    /// The word of a value.
    fn word(self) -> &'static str;

    /// The value of a word; `None` if this release does not know it.
    #[must_use]
    fn from_word(word: &str) -> Option<Self> {
        Self::VALUES.iter().copied().find(|value| value.word() == word)
    }
}

/// Implements [`ClosedSet`] for an enum that has `ALL` and `as_str`.
macro_rules! closed_set {
    ($name:ty) => {
        impl $crate::domain::closed_set::ClosedSet for $name {
            const VALUES: &'static [Self] = &Self::ALL;

            fn word(self) -> &'static str {
                self.as_str()
            }
        }
    };
}
pub(in crate::domain) use closed_set;

/// A value as it was read from the database. Ordered by its word, as in the database.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Stored<T> {
    /// A value that this release knows.
    Known(T),
    /// The word of a value that only a newer release knows.
    Unknown(String),
}

impl<T: ClosedSet> Stored<T> {
    /// Reads a stored word. It never fails.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        T::from_word(word).map_or_else(|| Self::Unknown(word.to_owned()), Self::Known)
    }

    /// The word as it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(value) => value.word(),
            Self::Unknown(word) => word,
        }
    }

    /// The value; `None` if this release does not know it.
    #[must_use]
    pub fn known(&self) -> Option<T> {
        match self {
            Self::Known(value) => Some(*value),
            Self::Unknown(_) => None,
        }
    }
}

impl<T> From<T> for Stored<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl<T: ClosedSet> Ord for Stored<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl<T: ClosedSet> PartialOrd for Stored<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: PartialEq> PartialEq<T> for Stored<T> {
    fn eq(&self, other: &T) -> bool {
        matches!(self, Self::Known(value) if value == other)
    }
}

impl<T: ClosedSet> fmt::Display for Stored<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl<T: ClosedSet> Serialize for Stored<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de, T: ClosedSet> Deserialize<'de> for Stored<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::attempt_report::DeploymentReason;
    use crate::domain::failure::class::ErrorClass;
    use crate::domain::fallback_type::FallbackType;
    use crate::domain::invocation_type::InvocationType;
    use crate::domain::operation::ModelKind;
    use crate::domain::origin::Origin;
    use crate::domain::outcome::Outcome;
    use crate::domain::period::Period;

    fn words_are_the_same_everywhere<T: ClosedSet + fmt::Debug + Serialize>() {
        for value in T::VALUES {
            assert_eq!(T::from_word(value.word()), Some(*value));
            let json = serde_json::to_string(value).expect("json");
            assert_eq!(json, format!("\"{}\"", value.word()));
            let stored: Stored<T> = serde_json::from_str(&json).expect("a stored value");
            assert_eq!(stored, Stored::Known(*value));
            assert_eq!(serde_json::to_string(&stored).expect("json"), json);
        }
    }

    #[test]
    fn every_value_has_one_word_for_the_database_and_json() {
        words_are_the_same_everywhere::<DeploymentReason>();
        words_are_the_same_everywhere::<ErrorClass>();
        words_are_the_same_everywhere::<FallbackType>();
        words_are_the_same_everywhere::<InvocationType>();
        words_are_the_same_everywhere::<ModelKind>();
        words_are_the_same_everywhere::<Origin>();
        words_are_the_same_everywhere::<Outcome>();
        words_are_the_same_everywhere::<Period>();
    }

    #[test]
    fn a_word_of_a_newer_release_is_kept_as_it_is() {
        let stored: Stored<Outcome> = serde_json::from_str("\"paused\"").expect("a stored value");
        assert_eq!(stored, Stored::Unknown("paused".to_owned()));
        assert_eq!(stored.known(), None);
        assert_eq!(stored.as_str(), "paused");
        assert_eq!(serde_json::to_string(&stored).expect("json"), "\"paused\"");
    }
}
