//! Counts requests by day, for usage and budgets. Budgets include drills, usage does not.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use entity::ids::OrganizationId;
use entity::{session_rollups, usage_rollups};
use uuid::Uuid;

use super::delta::CountedRequest;
use crate::domain::outcome::Outcome;
use crate::store::bulk_insert;
use crate::store::bulk_insert::Batch;

/// The length of a day in seconds.
const DAY: i64 = 86_400;

/// The key of one sum. As in the tables, absent values are `''` or the nil UUID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct DailyKey<'a> {
    organization_id: OrganizationId,
    /// The session of a sum by session; `None` for a sum by day alone.
    session_id: Option<Uuid>,
    day: i64,
    served_model: Cow<'a, str>,
    api_key_id: Uuid,
    origin: Cow<'a, str>,
}

/// The sums to add to the tables.
#[derive(Default)]
pub(super) struct Daily<'a> {
    sums: BTreeMap<DailyKey<'a>, Sums>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    requests: i64,
    answered: i64,
    by_fallback: i64,
    input_tokens: i64,
    output_tokens: i64,
    cached_tokens: i64,
    reasoning_tokens: i64,
    cost_nano_dollars: i64,
    unpriced: i64,
    estimated: i64,
    budget_only_nano_dollars: i64,
}

impl<'a> Daily<'a> {
    /// Counts a request, or takes it back.
    pub(super) fn request(&mut self, request: &CountedRequest<'a>) {
        let key = DailyKey {
            organization_id: request.organization_id,
            session_id: None,
            day: request.created_at - request.created_at.rem_euclid(DAY),
            served_model: request.served_model.clone(),
            api_key_id: request.api_key_id.unwrap_or_else(Uuid::nil),
            origin: request.origin.clone(),
        };
        if request.session_id.is_some() && !request.is_drill() {
            let key = DailyKey { session_id: request.session_id, ..key.clone() };
            self.sums.entry(key).or_default().add(request);
        }
        self.sums.entry(key).or_default().add(request);
    }

    /// Adds the sums to the tables.
    pub(super) fn write(self, batch: &mut Batch) {
        let (mut days, mut sessions) = (Vec::new(), Vec::new());
        for (key, sums) in self.sums {
            match key.session_id {
                None => days.push(day_row(key, sums)),
                Some(session_id) => sessions.push(session_row(key, session_id, sums)),
            }
        }
        batch.insert::<usage_rollups::Entity>(&days, &ADDED_DAYS);
        batch.insert::<session_rollups::Entity>(&sessions, &ADDED_SESSIONS);
    }
}

#[cfg(test)]
impl Daily<'_> {
    /// The total costs by day and by session, in nano-dollars.
    pub(super) fn costs(&self) -> (i64, i64) {
        let sum = |of_session: bool| {
            let chosen = self.sums.iter().filter(|(key, _)| key.session_id.is_some() == of_session);
            chosen.map(|(_, sums)| sums.cost_nano_dollars).sum()
        };
        (sum(false), sum(true))
    }

    /// What budgets count in addition, in nano-dollars.
    pub(super) fn budget_only(&self) -> i64 {
        let days = self.sums.iter().filter(|(key, _)| key.session_id.is_none());
        days.map(|(_, sums)| sums.budget_only_nano_dollars).sum()
    }
}

impl Sums {
    fn add(&mut self, request: &CountedRequest<'_>) {
        let number = request.number;
        let answered = request.outcome == Outcome::Answered.as_str();
        self.requests += number;
        self.answered += number * i64::from(answered);
        self.by_fallback += number * i64::from(answered && request.is_by_fallback());
        self.input_tokens += number * request.input_tokens;
        self.output_tokens += number * request.output_tokens;
        self.cached_tokens += number * request.cached_tokens;
        self.reasoning_tokens += number * request.reasoning_tokens;
        self.cost_nano_dollars += number * request.cost_nano_dollars;
        self.unpriced += number * i64::from(request.unpriced);
        self.estimated += number * i64::from(request.estimated);
        self.budget_only_nano_dollars += number * request.budget_only_nano_dollars;
    }
}

static ADDED_DAYS: LazyLock<String> = LazyLock::new(bulk_insert::adding::<usage_rollups::Entity>);
static ADDED_SESSIONS: LazyLock<String> = LazyLock::new(bulk_insert::adding::<session_rollups::Entity>);

fn day_row(key: DailyKey<'_>, sums: Sums) -> usage_rollups::Model {
    let DailyKey { organization_id, day, served_model, api_key_id, origin, .. } = key;
    let Sums { requests, answered, by_fallback, estimated, .. } = sums;
    usage_rollups::Model {
        organization_id,
        day,
        served_model: served_model.into_owned(),
        api_key_id,
        origin: origin.into_owned(),
        requests,
        answered,
        by_fallback,
        input_tokens: sums.input_tokens,
        output_tokens: sums.output_tokens,
        cached_tokens: sums.cached_tokens,
        reasoning_tokens: sums.reasoning_tokens,
        cost_nano_dollars: sums.cost_nano_dollars,
        unpriced: sums.unpriced,
        estimated,
        budget_only_nano_dollars: sums.budget_only_nano_dollars,
    }
}

fn session_row(key: DailyKey<'_>, session_id: Uuid, sums: Sums) -> session_rollups::Model {
    let DailyKey { organization_id, day, served_model, api_key_id, origin, .. } = key;
    let Sums { requests, answered, by_fallback, estimated, .. } = sums;
    session_rollups::Model {
        organization_id,
        session_id,
        day,
        served_model: served_model.into_owned(),
        api_key_id,
        origin: origin.into_owned(),
        requests,
        answered,
        by_fallback,
        input_tokens: sums.input_tokens,
        output_tokens: sums.output_tokens,
        cached_tokens: sums.cached_tokens,
        reasoning_tokens: sums.reasoning_tokens,
        cost_nano_dollars: sums.cost_nano_dollars,
        unpriced: sums.unpriced,
        estimated,
    }
}
