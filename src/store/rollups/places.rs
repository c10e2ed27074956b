//! Where the rows are that match several filters of a list.
//!
//! A list has an index for each filter. With two of them, a database reads the rows that match one until it has enough that
//! match both, and there may be millions in between. The roll-ups say which hours have such rows, so only these are read.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::ExprTrait as _;
use sea_orm::{
    ColumnTrait as _, DbErr, EntityTrait, FromQueryResult, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select,
};
use uuid::Uuid;

use super::buckets::BucketColumns;
use super::{BUCKET, total};
use crate::store::OrgStore;
use crate::store::pagination::listing::{read_ranges, read_rows};
use crate::store::pagination::time_range::{LATE, lowest_id};
use crate::store::pagination::{Direction, Keyset, Times};

/// The lengths of the buckets that are looked at, one after the other: half a day, an hour.
const WIDTHS: [i64; 2] = [43_200, 3_600];
/// The most ranges of a list. If there are more, the last one covers the others.
const MOST: usize = 64;

/// The roll-ups that count the rows of a filtered list.
pub(in crate::store) struct CountedBy<E: EntityTrait> {
    /// The roll-ups with the filters of the list.
    pub(in crate::store) rollups: Select<E>,
    /// The columns that name a bucket.
    pub(in crate::store) columns: BucketColumns<E::Column>,
    /// The column with the number of rows.
    pub(in crate::store) number: E::Column,
}

/// Ranges of ids that hold the first rows of a list, in the order of the list. The end of a range is exclusive.
#[derive(Debug, PartialEq, Eq)]
struct Places {
    ranges: Vec<(Uuid, Uuid)>,
    /// Whether no other row matches. Otherwise there are enough rows in the ranges, unless some were deleted.
    all: bool,
}

#[derive(FromQueryResult)]
struct BucketSum {
    bucket_at: i64,
    number: i64,
}

impl OrgStore {
    /// Reads at most `limit` rows of a list in a direction. If roll-ups count the rows, only the hours that have some are
    /// read.
    pub(in crate::store) async fn read_counted<E: EntityTrait, R: EntityTrait>(
        &self,
        rows: Select<E>,
        (id, times): (E::Column, Times),
        counted: Option<CountedBy<R>>,
        direction: Direction,
        limit: u64,
    ) -> Result<Vec<E::Model>, DbErr> {
        let on = self.records();
        if let Some(counted) = counted
            && let Some(places) = self.places(counted, times, direction, limit).await?
        {
            let found = read_ranges(&on, &rows, (id, times), direction, limit, &places.ranges).await?;
            if places.all || u64::try_from(found.len()).is_ok_and(|number| number >= limit) {
                return Ok(found);
            }
        }
        read_rows(&on, rows, Keyset::Id(id, times), direction, limit).await
    }

    /// Finds the places of the first `limit` rows in a direction; `None` if the newest records are not counted yet.
    async fn places<E: EntityTrait>(
        &self,
        counted: CountedBy<E>,
        times: Times,
        direction: Direction,
        limit: u64,
    ) -> Result<Option<Places>, DbErr> {
        if !self.store.is_folded().await {
            return Ok(None);
        }
        let backward = !matches!(direction, Direction::Newer(_));
        let (mut from, mut to) = span(times, direction);
        let mut places = Places { ranges: Vec::new(), all: true };
        let mut hours = Vec::new();
        for width in WIDTHS {
            hours.clear();
            let mut number = 0;
            for bucket in self.buckets(&counted, (width, from, to), backward).await? {
                hours.push(bucket.bucket_at);
                // Rows of the first and the last bucket may be outside of the span.
                if bucket.bucket_at >= from && bucket.bucket_at + width <= to {
                    number += u64::try_from(bucket.number).unwrap_or(0);
                }
                if number >= limit {
                    places.all = false;
                    break;
                }
            }
            let (Some(first), Some(last)) = (hours.iter().min(), hours.iter().max()) else {
                return Ok(Some(places));
            };
            (from, to) = (Ord::max(from, *first), Ord::min(to, last + width));
        }
        places.ranges = ranges(&hours);
        Ok(Some(places))
    }

    /// The buckets of one length that have rows and overlap the span, in the order of the list.
    async fn buckets<E: EntityTrait>(
        &self,
        counted: &CountedBy<E>,
        (width, from, to): (i64, i64, i64),
        backward: bool,
    ) -> Result<Vec<BucketSum>, DbErr> {
        let BucketColumns { organization_id, width: width_column, bucket_at } = &counted.columns;
        let rows = counted
            .rollups
            .clone()
            .filter(organization_id.eq(self.organization_id))
            .filter(width_column.eq(width))
            .filter(bucket_at.gt(from.saturating_sub(width)))
            .filter(bucket_at.lt(to))
            .select_only()
            .column_as(*bucket_at, "bucket_at")
            .column_as(total(counted.number), "number")
            .group_by(*bucket_at)
            .having(counted.number.sum().gt(0));
        let rows = if backward { rows.order_by_desc(*bucket_at) } else { rows.order_by_asc(*bucket_at) };
        rows.into_model::<BucketSum>().all(&self.records()).await
    }
}

/// The times that rows in a direction may have, in Unix seconds. A row may be later than its id says.
fn span(times: Times, direction: Direction) -> (i64, i64) {
    let oldest = times.oldest.map_or(0, |time| time.timestamp());
    let newest = after(times.newest + LATE);
    match direction {
        Direction::First => (oldest, newest),
        Direction::Older(position) => (oldest, Ord::min(newest, after(position.created_at + LATE))),
        Direction::Newer(position) => (Ord::max(oldest, (position.created_at - LATE).timestamp()), newest),
    }
}

/// The end of the shortest bucket that contains a time.
fn after(time: DateTime<Utc>) -> i64 {
    let seconds = time.timestamp();
    seconds - seconds.rem_euclid(BUCKET) + BUCKET
}

/// The ranges of ids of some hours, in their order. Hours that follow each other have one range.
fn ranges(hours: &[i64]) -> Vec<(Uuid, Uuid)> {
    let mut spans: Vec<(i64, i64)> = Vec::new();
    for hour in hours {
        let (from, to) = (hour - LATE.num_seconds(), hour + TimeDelta::hours(1).num_seconds());
        let is_full = spans.len() == MOST;
        match spans.last_mut() {
            Some((first, last)) if is_full || (from <= *last && *first <= to) => {
                (*first, *last) = (Ord::min(*first, from), Ord::max(*last, to));
            }
            _ => spans.push((from, to)),
        }
    }
    let id = |seconds| lowest_id(DateTime::from_timestamp(seconds, 0).unwrap_or_default());
    spans.into_iter().map(|(from, to)| (id(from), id(to))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_that_follow_each_other_have_one_range() {
        let hour = 3_600;
        let start = 480_000 * hour;
        let id = |seconds| lowest_id(DateTime::from_timestamp(seconds, 0).expect("a time"));
        let newest_first = [start + 2 * hour, start + hour, start - 5 * hour];
        let expected = [(start + hour - 900, start + 3 * hour), (start - 5 * hour - 900, start - 4 * hour)];
        assert_eq!(ranges(&newest_first), expected.map(|(from, to)| (id(from), id(to))));
        let many: Vec<i64> = (0..100).map(|number| start + 3 * number * hour).collect();
        let found = ranges(&many);
        assert_eq!(found.len(), MOST);
        assert_eq!(found.last().map(|(_, to)| *to), Some(id(start + 298 * hour)));
    }
}
