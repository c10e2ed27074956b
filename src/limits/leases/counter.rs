//! What a counter counts: of which owner, for which model, and within which window.

use std::time::Duration;

use entity::ids::{ApiKeyId, ModelId, OrganizationId, ProviderId};

use crate::store::Limits;

/// The quantity that a limit bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Requests within any minute.
    RequestsPerMinute,
    /// Requests within a UTC day.
    RequestsPerDay,
    /// Tokens within any minute.
    TokensPerMinute,
    /// Tokens within a UTC day.
    TokensPerDay,
    /// Requests that are under way.
    ConcurrentRequests,
    /// Nano-dollars of a day's budget that are reserved, or that other processes may not know to be spent yet.
    BudgetPerDay,
    /// The same for a month's budget.
    BudgetPerMonth,
}

/// How long units count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Span {
    /// For a minute after they were spent.
    Minute,
    /// Until the UTC day ends.
    Day,
    /// As long as they are held.
    Held,
}

/// The times of a span in milliseconds, as every place computes them.
///
/// Units that were spent at `t` count until the next multiple of `grid` at or after `t + span`. Units that a process holds
/// at `t` count as if they were spent at `t + hold`. Units that are given back end `slack` earlier than those that they
/// are taken from, so that the sum is never too small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long units count.
    pub span: i64,
    /// The multiples at which they stop counting.
    pub grid: i64,
    /// How long a process may spend what it holds, as the place sees it.
    pub hold: i64,
    /// How much earlier than spent units those end that are given back.
    pub slack: i64,
}

/// The milliseconds of a UTC day.
pub(super) const DAY: i64 = 86_400_000;
const SECOND: i64 = 1_000;

impl Span {
    /// The times of the span.
    #[must_use]
    pub const fn timing(self) -> Timing {
        match self {
            Self::Minute => Timing { span: 60 * SECOND, grid: SECOND, hold: SECOND, slack: 2 * SECOND },
            // The next midnight after a time is the next multiple of a day after the millisecond that follows.
            Self::Day => Timing { span: 1, grid: DAY, hold: 0, slack: 0 },
            // A process that died has lost them after at most five seconds.
            Self::Held => Timing { span: 0, grid: SECOND, hold: 4 * SECOND, slack: 0 },
        }
    }

    /// How long a process spends a slice before it settles it.
    #[must_use]
    pub const fn lease(self) -> Duration {
        match self {
            Self::Minute => Duration::from_secs(1),
            Self::Day => Duration::from_secs(5),
            Self::Held => Duration::from_secs(2),
        }
    }

    /// The longest time until units of the span count no longer; `None` if their holder decides.
    #[must_use]
    pub const fn length(self) -> Option<Duration> {
        match self {
            Self::Minute => Some(Duration::from_secs(60)),
            Self::Day => Some(Duration::from_secs(86_400)),
            Self::Held => None,
        }
    }
}

impl Timing {
    /// When units stop counting that are spent at this time.
    #[must_use]
    pub fn end_of(self, spent_at: i64) -> i64 {
        let whole = spent_at.saturating_add(self.span).saturating_add(self.grid - 1).div_euclid(self.grid);
        whole.saturating_mul(self.grid)
    }
}

impl Measure {
    /// How long its units count.
    #[must_use]
    pub const fn span(self) -> Span {
        match self {
            Self::RequestsPerMinute | Self::TokensPerMinute => Span::Minute,
            Self::RequestsPerDay | Self::TokensPerDay => Span::Day,
            Self::ConcurrentRequests | Self::BudgetPerDay | Self::BudgetPerMonth => Span::Held,
        }
    }

    /// Whether its units are tokens.
    #[must_use]
    pub const fn counts_tokens(self) -> bool {
        matches!(self, Self::TokensPerMinute | Self::TokensPerDay)
    }

    /// Whether its units are nano-dollars. Its limit is what is left of a budget, and falls as soon as money is spent.
    #[must_use]
    pub const fn counts_money(self) -> bool {
        matches!(self, Self::BudgetPerDay | Self::BudgetPerMonth)
    }

    /// The words for callers, such as `requests per minute`.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::RequestsPerMinute => "requests per minute",
            Self::RequestsPerDay => "requests per day",
            Self::TokensPerMinute => "tokens per minute",
            Self::TokensPerDay => "tokens per day",
            Self::ConcurrentRequests => "concurrent requests",
            Self::BudgetPerDay => "nano-dollars per day",
            Self::BudgetPerMonth => "nano-dollars per month",
        }
    }

    /// The word in the name of a counter.
    const fn word(self) -> &'static str {
        match self {
            Self::RequestsPerMinute => "rm",
            Self::RequestsPerDay => "rd",
            Self::TokensPerMinute => "tm",
            Self::TokensPerDay => "td",
            Self::ConcurrentRequests => "at",
            Self::BudgetPerDay => "bd",
            Self::BudgetPerMonth => "bm",
        }
    }
}

/// What limits count, each with its limit.
#[must_use]
pub fn measured(limits: &Limits) -> [(Measure, Option<i64>); 5] {
    [
        (Measure::RequestsPerMinute, limits.requests_per_minute),
        (Measure::RequestsPerDay, limits.requests_per_day),
        (Measure::TokensPerMinute, limits.tokens_per_minute),
        (Measure::TokensPerDay, limits.tokens_per_day),
        (Measure::ConcurrentRequests, limits.concurrent_requests),
    ]
}

/// What a limit belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    /// The organization, for all of its keys.
    Organization,
    /// One of its API keys.
    Key(ApiKeyId),
    /// The account at one of its providers.
    Provider(ProviderId),
}

/// A counter that all processes of the installation share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Counter {
    /// The organization of the limit.
    pub organization: OrganizationId,
    /// The owner of the limit.
    pub owner: Owner,
    /// The model that the limit is for; `None` for all.
    pub model: Option<ModelId>,
    /// What of it is counted.
    pub measure: Measure,
}

impl Counter {
    /// The name of the counter within its organization.
    #[must_use]
    pub fn name(&self) -> String {
        let owner = match self.owner {
            Owner::Organization => "o".to_owned(),
            Owner::Key(id) => format!("k{}", id.0.simple()),
            Owner::Provider(id) => format!("p{}", id.0.simple()),
        };
        let model = self.model.map(|id| format!(":{}", id.0.simple())).unwrap_or_default();
        format!("{}:{owner}{model}", self.measure.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_end_on_the_grid_and_never_before_their_time() {
        let ends = |span: Span, at| span.timing().end_of(at);
        assert_eq!([0, 1, 999, 1_000].map(|at| ends(Span::Minute, at)), [60_000, 61_000, 61_000, 61_000]);
        assert_eq!([0, DAY - 1, DAY, DAY + 1].map(|at| ends(Span::Day, at)), [DAY, DAY, 2 * DAY, 2 * DAY]);
        assert_eq!([0, 1, 1_000].map(|at| ends(Span::Held, at)), [0, 1_000, 1_000]);
    }

    #[test]
    fn no_two_counters_have_one_name() {
        let id = |number| uuid::Uuid::from_u128(number);
        let organization = OrganizationId(id(1));
        let owners = [Owner::Organization, Owner::Key(ApiKeyId(id(2))), Owner::Provider(ProviderId(id(2)))];
        let measures = [
            Measure::RequestsPerMinute,
            Measure::RequestsPerDay,
            Measure::TokensPerMinute,
            Measure::TokensPerDay,
            Measure::ConcurrentRequests,
            Measure::BudgetPerDay,
            Measure::BudgetPerMonth,
        ];
        let mut names = std::collections::HashSet::new();
        for owner in owners {
            for model in [None, Some(ModelId(id(2))), Some(ModelId(id(3)))] {
                for measure in measures {
                    assert!(names.insert(Counter { organization, owner, model, measure }.name()));
                }
            }
        }
    }
}
