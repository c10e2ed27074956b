//! Counts requests by day, for usage and budgets. The counts are written in the transaction of the rows.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use entity::ids::OrganizationId;
use entity::{session_rollups, usage_rollups};
use uuid::Uuid;

use crate::domain::closed_set::Stored;
use crate::domain::origin::Origin;
use crate::domain::outcome::Outcome;
use crate::store::bulk_insert;
use crate::store::bulk_insert::Batch;
use crate::store::records::request::RequestRow;
use crate::store::rollups::counters::{bounded, is_unpriced};

/// The length of a day in seconds.
const DAY: i64 = 86_400;

/// The key of one sum. As in the tables, absent values are `''` or the nil UUID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct DailyKey {
    organization_id: OrganizationId,
    /// The session of a sum by session; `None` for a sum by day alone.
    session_id: Option<Uuid>,
    day: i64,
    served_model: String,
    api_key_id: Uuid,
    origin: Stored<Origin>,
}

/// The sums to add to the tables.
#[derive(Default)]
pub(super) struct Daily {
    sums: BTreeMap<DailyKey, Sums>,
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
}

impl Daily {
    /// Counts a request. `number` is 1 to add it and -1 to take it back.
    pub(super) fn request(&mut self, row: &RequestRow, number: i64) {
        let seconds = row.created_at.timestamp();
        let key = DailyKey {
            organization_id: row.organization_id,
            session_id: None,
            day: seconds - seconds.rem_euclid(DAY),
            served_model: row.served_model.clone().unwrap_or_default(),
            api_key_id: row.api_key_id.unwrap_or_else(Uuid::nil),
            origin: row.origin.clone(),
        };
        if row.session_id.is_some() {
            let key = DailyKey { session_id: row.session_id, ..key.clone() };
            self.sums.entry(key).or_default().add(row, number);
        }
        self.sums.entry(key).or_default().add(row, number);
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
impl Daily {
    /// The total costs by day and by session, in nano-dollars.
    pub(super) fn costs(&self) -> (i64, i64) {
        let sum = |of_session: bool| {
            let chosen = self.sums.iter().filter(|(key, _)| key.session_id.is_some() == of_session);
            chosen.map(|(_, sums)| sums.cost_nano_dollars).sum()
        };
        (sum(false), sum(true))
    }
}

impl Sums {
    fn add(&mut self, row: &RequestRow, number: i64) {
        let answered = row.outcome == Outcome::Answered;
        let by_fallback =
            answered && row.served_model.as_ref().is_some_and(|served| *served != row.requested_model);
        self.requests += number;
        self.answered += number * i64::from(answered);
        self.by_fallback += number * i64::from(by_fallback);
        self.input_tokens += number * bounded(row.input_tokens);
        self.output_tokens += number * bounded(row.output_tokens);
        self.cached_tokens += number * bounded(row.cached_tokens);
        self.reasoning_tokens += number * bounded(row.reasoning_tokens);
        self.cost_nano_dollars += number * bounded(row.cost_nano_dollars);
        self.unpriced += number * i64::from(is_unpriced(row));
        self.estimated += number * i64::from(row.estimated);
    }
}

static ADDED_DAYS: LazyLock<String> = LazyLock::new(bulk_insert::adding::<usage_rollups::Entity>);
static ADDED_SESSIONS: LazyLock<String> = LazyLock::new(bulk_insert::adding::<session_rollups::Entity>);

fn day_row(key: DailyKey, sums: Sums) -> usage_rollups::Model {
    let DailyKey { organization_id, day, served_model, api_key_id, origin, .. } = key;
    let Sums { requests, answered, by_fallback, estimated, .. } = sums;
    usage_rollups::Model {
        organization_id,
        day,
        served_model,
        api_key_id,
        origin: origin.as_str().to_owned(),
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

fn session_row(key: DailyKey, session_id: Uuid, sums: Sums) -> session_rollups::Model {
    let DailyKey { organization_id, day, served_model, api_key_id, origin, .. } = key;
    let Sums { requests, answered, by_fallback, estimated, .. } = sums;
    session_rollups::Model {
        organization_id,
        session_id,
        day,
        served_model,
        api_key_id,
        origin: origin.as_str().to_owned(),
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
