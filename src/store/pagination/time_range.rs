//! A range of times as a range of ids, for tables that have an id made of the time as their key.
//!
//! The id is made when a request arrives or a candidate fails. The row's own time is the same or slightly later, because
//! a body may take time to arrive. So the range of ids only narrows what is read, and the row's time decides.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait, Condition};
use uuid::{Builder, Uuid};

/// How much later than its id a row may be.
pub(in crate::store) const LATE: TimeDelta = TimeDelta::minutes(15);

/// The condition for rows from `since`, inclusive, until `until`, exclusive.
pub(in crate::store) fn within<C: ColumnTrait>(
    (id, created_at): (C, C),
    since: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
) -> Condition {
    let mut rows = Condition::all();
    if let Some(since) = since {
        rows = rows.add(id.gte(lowest_id(since - LATE))).add(created_at.gte(since));
    }
    if let Some(until) = until {
        rows = rows.add(id.lt(lowest_id(until + TimeDelta::milliseconds(1)))).add(created_at.lt(until));
    }
    rows
}

/// The lowest id of a millisecond.
pub(in crate::store) fn lowest_id(time: DateTime<Utc>) -> Uuid {
    let milliseconds = u64::try_from(time.timestamp_millis()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(milliseconds, &[0; 10]).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::Clock;

    #[test]
    fn ids_of_a_millisecond_are_between_two_lowest_ids() {
        let start = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let (clock, _) = Clock::manual(start + TimeDelta::microseconds(999));
        for id in (0..100).map(|_| clock.new_id()) {
            assert!(lowest_id(start) <= id && id < lowest_id(start + TimeDelta::milliseconds(1)));
        }
    }
}
