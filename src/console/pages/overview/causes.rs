//! Why models failed, by root cause: skips for a cooldown count toward the failure that opened it.

use std::cmp::Reverse;

use crate::console::components::status_badge::opened_by;
use crate::domain::closed_set::Stored;
use crate::domain::failure::class::ErrorClass;

/// A cause, and how often it kept a model from answering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause {
    pub(crate) class: Stored<ErrorClass>,
    /// Calls that failed for it, or skips that are their own cause.
    pub(crate) own: i64,
    /// Skips for a cooldown that it opened.
    pub(crate) skips: i64,
}

impl Cause {
    /// All events that it caused.
    pub(crate) fn events(&self) -> i64 {
        self.own.saturating_add(self.skips)
    }
}

/// The most frequent causes, at most `most`. `rules` are those of the newest skips for cooldowns with their numbers: older
/// skips are divided in the same proportion. Skips with a rule that names no cause stay as they are.
pub(crate) fn by_cause(
    reasons: Vec<(Stored<ErrorClass>, i64)>,
    rules: &[(Option<String>, i64)],
    most: usize,
) -> Vec<Cause> {
    let (skipped, failed): (Vec<_>, Vec<_>) =
        reasons.into_iter().partition(|(class, _)| *class == ErrorClass::Cooldown);
    let total: i64 = skipped.iter().map(|(_, events)| *events).sum();
    let read: i64 = rules.iter().map(|(_, events)| *events).sum();
    let part = |events: i64| {
        if read < total { events.saturating_mul(total).checked_div(read).unwrap_or_default() } else { events }
    };
    let mut causes: Vec<Cause> =
        failed.into_iter().map(|(class, own)| Cause { class, own, skips: 0 }).collect();
    let mut left = total;
    for (rule, events) in rules {
        let Some(class) = opened_by(rule.as_deref()) else { continue };
        let skips = part(*events);
        left -= skips;
        match causes.iter_mut().find(|cause| cause.class == class) {
            Some(cause) => cause.skips += skips,
            None => causes.push(Cause { class: Stored::Known(class), own: 0, skips }),
        }
    }
    if left > 0 {
        causes.push(Cause { class: Stored::Known(ErrorClass::Cooldown), own: left, skips: 0 });
    }
    causes.sort_by_key(|cause| Reverse(cause.events()));
    causes.truncate(most);
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(reasons: &[(&str, i64)], rules: &[(Option<&str>, i64)]) -> Vec<(String, i64, i64)> {
        let reasons = reasons.iter().map(|(class, events)| (Stored::parse(class), *events)).collect();
        let rules: Vec<_> = rules.iter().map(|(rule, events)| (rule.map(str::to_owned), *events)).collect();
        let causes = by_cause(reasons, &rules, 6);
        causes.into_iter().map(|cause| (cause.class.as_str().to_owned(), cause.own, cause.skips)).collect()
    }

    #[test]
    fn skips_count_toward_what_opened_the_cooldown() {
        let reasons = [("overloaded", 5), ("timeout", 4), ("cooldown", 10)];
        let rules =
            [(Some("cooldown:timeout"), 7), (Some("cooldown:rate_limited"), 2), (Some("cooldown"), 1)];
        assert_eq!(
            shown(&reasons, &rules),
            [
                ("timeout".to_owned(), 4, 7),
                ("overloaded".to_owned(), 5, 0),
                ("rate_limited".to_owned(), 0, 2),
                ("cooldown".to_owned(), 1, 0),
            ]
        );
    }

    #[test]
    fn older_skips_are_divided_like_the_newest() {
        let rules = [(Some("cooldown:timeout"), 3), (Some("cooldown:overloaded"), 1)];
        assert_eq!(
            shown(&[("cooldown", 4_000)], &rules),
            [("timeout".to_owned(), 0, 3_000), ("overloaded".to_owned(), 0, 1_000)]
        );
    }

    #[test]
    fn without_rules_or_with_more_than_are_counted_nothing_is_lost() {
        assert_eq!(shown(&[("cooldown", 4), ("of_the_future", 1)], &[]).len(), 2);
        assert_eq!(shown(&[], &[]).len(), 0);
        assert_eq!(
            shown(&[("cooldown", 1)], &[(Some("cooldown:timeout"), 2)]),
            [("timeout".to_owned(), 0, 2)]
        );
    }
}
