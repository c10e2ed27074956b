//! Limits of requests and tokens: of an organization or a key, and of a model inside either.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Limits of requests and tokens. `None` for no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Requests within any minute.
    pub requests_per_minute: Option<i64>,
    /// Requests within a UTC day.
    pub requests_per_day: Option<i64>,
    /// Tokens within any minute.
    pub tokens_per_minute: Option<i64>,
    /// Tokens within a UTC day.
    pub tokens_per_day: Option<i64>,
    /// Requests that are under way.
    pub concurrent_requests: Option<i64>,
}

/// Limits by the catalog name of the model that they are for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelLimits(pub BTreeMap<String, Limits>);

/// How much the account at a provider may do. `None` if that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ProviderLimits {
    /// Requests within any minute.
    pub requests_per_minute: Option<i64>,
    /// Tokens within any minute.
    pub tokens_per_minute: Option<i64>,
}

/// A change of limits. `None` leaves a limit unchanged; `Some(None)` clears it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LimitsChange {
    /// Requests within any minute.
    pub requests_per_minute: Option<Option<i64>>,
    /// Requests within a UTC day.
    pub requests_per_day: Option<Option<i64>>,
    /// Tokens within any minute.
    pub tokens_per_minute: Option<Option<i64>>,
    /// Tokens within a UTC day.
    pub tokens_per_day: Option<Option<i64>>,
    /// Requests that are under way.
    pub concurrent_requests: Option<Option<i64>>,
    /// Limits of single models, in place of all earlier ones.
    pub model_limits: Option<ModelLimits>,
}

/// One limit of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedLimit {
    /// The name of its field in the API.
    pub field: &'static str,
    /// What it counts, in words.
    pub what: &'static str,
    /// How much it allows; `None` for no limit.
    pub limit: Option<i64>,
}

impl Limits {
    /// Sets the limits that a change names.
    pub(in crate::store) fn change(&mut self, to: &LimitsChange) {
        let set = |limit: &mut Option<i64>, to: Option<Option<i64>>| *limit = to.unwrap_or(*limit);
        set(&mut self.requests_per_minute, to.requests_per_minute);
        set(&mut self.requests_per_day, to.requests_per_day);
        set(&mut self.tokens_per_minute, to.tokens_per_minute);
        set(&mut self.tokens_per_day, to.tokens_per_day);
        set(&mut self.concurrent_requests, to.concurrent_requests);
    }

    /// Every limit with its names.
    #[must_use]
    pub fn named(&self) -> [NamedLimit; 5] {
        let named = |field, what, limit| NamedLimit { field, what, limit };
        [
            named("requests_per_minute", "requests per minute", self.requests_per_minute),
            named("requests_per_day", "requests per day", self.requests_per_day),
            named("tokens_per_minute", "tokens per minute", self.tokens_per_minute),
            named("tokens_per_day", "tokens per day", self.tokens_per_day),
            named("concurrent_requests", "requests at once", self.concurrent_requests),
        ]
    }

    /// Whether there is no limit at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The field of the first limit that allows more than another one.
    #[must_use]
    pub fn wider_than(&self, other: &Self) -> Option<&'static str> {
        let mut pairs = self.named().into_iter().zip(other.named());
        let wider = |(own, other): (NamedLimit, NamedLimit)| {
            let most = other.limit?;
            own.limit.is_none_or(|own| own > most).then_some(own.field)
        };
        pairs.find_map(wider)
    }
}

impl ModelLimits {
    /// The limits of a model; none if there are none for it.
    #[must_use]
    pub fn of(&self, model: &str) -> Limits {
        self.0.get(model).copied().unwrap_or_default()
    }

    /// Whether no model has a limit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.values().all(Limits::is_empty)
    }

    /// The first model of which these limits allow more than others do.
    #[must_use]
    pub fn wider_than<'a>(&self, other: &'a Self) -> Option<&'a str> {
        let wider = |(model, limits): (&'a String, &Limits)| {
            self.of(model).wider_than(limits).map(|_| model.as_str())
        };
        other.0.iter().find_map(wider)
    }

    /// Moves the limits of a renamed model, or removes those of a deleted one. Returns whether that changed anything.
    pub(in crate::store) fn rename(&mut self, old: &str, new: Option<&str>) -> bool {
        let Some(limits) = self.0.remove(old) else { return false };
        if let Some(new) = new {
            self.0.insert(new.to_owned(), limits);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(requests: Option<i64>, tokens: Option<i64>) -> Limits {
        Limits { requests_per_day: requests, tokens_per_minute: tokens, ..Limits::default() }
    }

    #[test]
    fn a_limit_is_wider_if_it_allows_more_of_anything() {
        for (one, other, field) in [
            (limits(Some(5), Some(5)), limits(Some(5), Some(5)), None),
            (limits(Some(4), None), limits(Some(5), None), None),
            (limits(Some(6), None), limits(Some(5), None), Some("requests_per_day")),
            (limits(None, Some(1)), limits(Some(5), None), Some("requests_per_day")),
            (limits(Some(5), None), limits(Some(5), Some(9)), Some("tokens_per_minute")),
            (limits(None, None), limits(None, None), None),
        ] {
            assert_eq!(one.wider_than(&other), field, "{one:?} {other:?}");
        }
    }

    #[test]
    fn the_limits_of_a_model_go_with_its_name() {
        let mut models = ModelLimits([("a".to_owned(), limits(Some(1), None))].into());
        assert!(models.rename("a", Some("b")) && !models.rename("a", Some("c")));
        assert_eq!((models.of("a"), models.of("b")), (Limits::default(), limits(Some(1), None)));
        let other = ModelLimits([("b".to_owned(), limits(Some(2), None))].into());
        assert_eq!((models.wider_than(&other), other.wider_than(&models)), (None, Some("b")));
        assert_eq!(ModelLimits::default().wider_than(&models), Some("b"));
        assert!(models.rename("b", None) && models.is_empty());
    }

    #[test]
    fn what_is_stored_is_read_by_the_next_release() {
        let text = r#"{"a": {"tokens_per_minute": 5, "sessions_per_year": 1}}"#;
        let models: ModelLimits = serde_json::from_str(text).expect("limits");
        assert_eq!(models.of("a"), limits(None, Some(5)));
    }
}
