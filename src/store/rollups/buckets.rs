//! The buckets of roll-ups, and which of them make up a span of time.
//!
//! Everything is counted in a bucket of each length. A span is read from long buckets in its middle and from short ones at
//! its ends, so the cost of a figure hardly depends on the length of the span.

use entity::ids::OrganizationId;
use entity::{fallback_rollups, latency_rollups, request_rollups};
use sea_orm::sea_query::{SelectStatement, UnionType};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter as _, QueryTrait as _, Select, Value};

use super::BUCKET;

/// The lengths of buckets in seconds. Each is a multiple of the one before.
pub(super) const WIDTHS: [i64; 3] = [BUCKET, 3_600, 43_200];

/// One bucket, as part of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bucket {
    /// The length in seconds.
    pub(super) width: i64,
    /// The start in Unix seconds, a multiple of the length.
    pub(super) at: i64,
}

/// The buckets of one length from a start to an end, in Unix seconds. The end is exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    width: i64,
    from: i64,
    to: i64,
}

impl Bucket {
    /// The shortest bucket that a time falls into, in Unix seconds. It is inside one bucket of each other length.
    pub(super) fn shortest(seconds: i64) -> Self {
        Self { width: BUCKET, at: floor(seconds, BUCKET) }
    }

    /// The buckets that a time falls into, in Unix seconds.
    pub(super) fn of(seconds: i64) -> [Self; 3] {
        WIDTHS.map(|width| Self { width, at: floor(seconds, width) })
    }
}

/// The columns that name a bucket.
pub(in crate::store) struct BucketColumns<C> {
    /// The organization of the rows.
    pub(in crate::store) organization_id: C,
    /// The length of the bucket.
    pub(in crate::store) width: C,
    /// The start of the bucket.
    pub(in crate::store) bucket_at: C,
}

/// The columns of `request_rollups`.
pub(in crate::store) const REQUESTS: BucketColumns<request_rollups::Column> = BucketColumns {
    organization_id: request_rollups::Column::OrganizationId,
    width: request_rollups::Column::Width,
    bucket_at: request_rollups::Column::BucketAt,
};
/// The columns of `fallback_rollups`.
pub(in crate::store) const EVENTS: BucketColumns<fallback_rollups::Column> = BucketColumns {
    organization_id: fallback_rollups::Column::OrganizationId,
    width: fallback_rollups::Column::Width,
    bucket_at: fallback_rollups::Column::BucketAt,
};
/// The columns of `latency_rollups`.
pub(super) const LATENCIES: BucketColumns<latency_rollups::Column> = BucketColumns {
    organization_id: latency_rollups::Column::OrganizationId,
    width: latency_rollups::Column::Width,
    bucket_at: latency_rollups::Column::BucketAt,
};

impl<C: ColumnTrait> BucketColumns<C> {
    /// Sums over the buckets from the one that contains `since` to the one that ends at or after `until`, in Unix seconds. If
    /// `rows` are grouped by steps, only buckets within one step are used. Each part of the span has rows of its own.
    ///
    /// The parts are joined by `UNION ALL`. With `OR`, databases read all buckets of the organization.
    pub(super) fn sums<E: EntityTrait<Column = C>>(
        &self,
        rows: &Select<E>,
        organization: OrganizationId,
        (since, until): (i64, i64),
        step: Option<i64>,
    ) -> Option<SelectStatement> {
        let segments = segments(floor(since, BUCKET), ceiling(until, BUCKET), step);
        let parts = segments.into_iter().map(|Segment { width, from, to }| {
            let part = rows
                .clone()
                .filter(self.organization_id.eq(Value::from(organization)))
                .filter(self.width.eq(width))
                .filter(self.bucket_at.gte(from))
                .filter(self.bucket_at.lt(to));
            part.into_query()
        });
        parts.reduce(|mut all, part| all.union(UnionType::All, part).take())
    }
}

fn segments(from: i64, to: i64, step: Option<i64>) -> Vec<Segment> {
    let usable = WIDTHS.into_iter().filter(|width| step.is_none_or(|step| step % width == 0));
    let mut parts = vec![Segment { width: 1, from, to }];
    // The longest first: what it leaves at both ends is divided further.
    for width in usable.rev() {
        parts = parts.into_iter().flat_map(|part| part.divided(width)).collect();
    }
    parts.retain(|part| part.width > 1);
    parts
}

impl Segment {
    /// The whole buckets of a length in a part that has none yet, and what is left before and after them.
    fn divided(self, width: i64) -> Vec<Self> {
        let (from, to) = (ceiling(self.from, width), floor(self.to, width));
        if self.width > 1 || from >= to {
            return vec![self];
        }
        let parts = [(1, self.from, from), (width, from, to), (1, to, self.to)];
        let parts = parts.into_iter().filter(|(_, from, to)| from < to);
        parts.map(|(width, from, to)| Self { width, from, to }).collect()
    }
}

fn floor(seconds: i64, width: i64) -> i64 {
    seconds - seconds.rem_euclid(width)
}

fn ceiling(seconds: i64, width: i64) -> i64 {
    let floor = floor(seconds, width);
    if floor < seconds { floor + width } else { floor }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_span_is_long_buckets_between_short_ones() {
        let day = 86_400;
        let found = segments(20_000 * day - 3_900, 20_001 * day + 7_500, None);
        let starts: Vec<_> = found.iter().map(|part| (part.width, part.from - 20_000 * day)).collect();
        assert_eq!(starts, [(300, -3_900), (3_600, -3_600), (43_200, 0), (3_600, day), (300, day + 7_200)]);
    }

    #[test]
    fn steps_are_not_divided() {
        let found = segments(0, 86_400, Some(10_800));
        assert_eq!(found, [Segment { width: 3_600, from: 0, to: 86_400 }]);
        assert_eq!(segments(0, 600, Some(1_800)), [Segment { width: 300, from: 0, to: 600 }]);
        assert_eq!(segments(600, 600, None), []);
        assert_eq!(segments(900, 600, None), []);
    }

    proptest! {
        #[test]
        fn every_time_of_a_span_is_in_one_bucket(
            since in -200_000_i64..200_000, length in 0_i64..400_000, at in -250_000_i64..650_000, index in 0_usize..5
        ) {
            let step = [None, Some(300), Some(1_800), Some(10_800), Some(86_400)][index];
            let (from, to) = (floor(since, BUCKET), ceiling(since + length, BUCKET));
            let covering = segments(from, to, step);
            let number = covering.iter().filter(|part| (part.from..part.to).contains(&at)).count();
            prop_assert_eq!(number, usize::from((from..to).contains(&at)));
            for part in covering {
                prop_assert_eq!((part.from % part.width, part.to % part.width), (0, 0));
                prop_assert!(step.is_none_or(|step| step % part.width == 0));
            }
        }
    }
}
