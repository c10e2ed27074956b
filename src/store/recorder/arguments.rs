//! Arguments of statements for either database, bound from rows without a copy in between.
//!
//! The recorder writes a row per request, so it binds the values itself; a query builder would take more time than the
//! database.

use std::sync::Arc;

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use sea_orm::sqlx::error::BoxDynError;
use sea_orm::sqlx::postgres::PgArguments;
use sea_orm::sqlx::sqlite::SqliteArguments;
use sea_orm::sqlx::types::Json;
use sea_orm::sqlx::{Arguments as _, Encode, Postgres, Sqlite, Type};

use crate::store::records::attempts::Attempts;
use crate::store::records::fallback_event::FallbackEventRow;
use crate::store::records::request::RequestRow;

/// The columns of `fallback_events`, in the order in which [`Bind::event`] binds them.
pub(super) const EVENT_COLUMNS: [&str; 20] = [
    "id",
    "organization_id",
    "request_id",
    "failed_model",
    "next_model",
    "error_class",
    "error_message",
    "invocation_type",
    "router_config_id",
    "router_config_revision",
    "session_id",
    "session_ref",
    "hop",
    "attempts",
    "status_code",
    "matched_rule",
    "duration_ms",
    "origin",
    "created_at",
    "recorded_at",
];

/// The arguments of one statement, or of several that are sent together.
pub(super) trait Bind {
    /// Adds one value to the end of the arguments.
    fn put<'t, T>(&mut self, value: T) -> Result<(), BoxDynError>
    where
        T: Encode<'t, Sqlite> + Type<Sqlite> + Encode<'t, Postgres> + Type<Postgres>;

    /// Adds a text to the end of the arguments.
    fn text(&mut self, text: &str) -> Result<(), BoxDynError> {
        self.put(text)
    }

    /// Adds a text or null to the end of the arguments.
    fn text_or_null(&mut self, text: Option<&str>) -> Result<(), BoxDynError> {
        match text {
            Some(text) => self.text(text),
            None => self.put(None::<&str>),
        }
    }

    /// Adds a time to the end of the arguments.
    fn moment(&mut self, time: DateTime<Utc>) -> Result<(), BoxDynError> {
        self.put(time)
    }

    /// Adds attempts to the end of the arguments.
    fn attempts(&mut self, attempts: &Attempts) -> Result<(), BoxDynError> {
        self.put(Json(attempts))
    }

    /// Adds the values of a row of `requests`, in the order of `REQUEST_COLUMNS`.
    fn request(&mut self, row: &RequestRow) -> Result<(), BoxDynError> {
        self.put(row.id.0)?;
        self.put(row.organization_id.0)?;
        self.put(row.api_key_id)?;
        self.text_or_null(row.api_key_name.as_deref())?;
        self.text(&row.requested_model)?;
        self.text_or_null(row.served_model.as_deref())?;
        self.text_or_null(row.served_provider.as_deref())?;
        self.text(row.outcome.as_str())?;
        self.text_or_null(row.error_class.as_ref().map(|class| class.as_str()))?;
        self.put(row.status_code)?;
        self.text(&row.endpoint)?;
        self.text(row.invocation_type.as_str())?;
        self.put(row.streamed)?;
        self.put(row.input_tokens)?;
        self.put(row.output_tokens)?;
        self.put(row.cached_tokens)?;
        self.put(row.reasoning_tokens)?;
        self.put(row.cache_write_tokens)?;
        self.text_or_null(row.usage_flag.as_deref())?;
        self.put(row.cost_nano_dollars)?;
        self.text_or_null(row.cost_source.as_deref())?;
        self.put(row.model_price_id)?;
        self.put(row.estimated)?;
        self.put(row.first_frame_ms)?;
        self.put(row.total_ms)?;
        self.put(row.upstream_calls)?;
        self.put(row.hops)?;
        self.attempts(&row.attempts)?;
        self.put(row.session_id)?;
        self.text_or_null(row.session_ref.as_deref())?;
        self.put(row.client_retry_count)?;
        self.text(row.origin.as_str())?;
        self.moment(row.created_at)?;
        self.moment(row.recorded_at)?;
        self.put(row.instance_id)
    }

    /// Adds the values of a row of `fallback_events`.
    fn event(&mut self, row: &FallbackEventRow) -> Result<(), BoxDynError> {
        self.put(row.id.0)?;
        self.put(row.organization_id.0)?;
        self.put(row.request_id.0)?;
        self.text(&row.failed_model)?;
        self.text_or_null(row.next_model.as_deref())?;
        self.text(row.error_class.as_str())?;
        self.text_or_null(row.error_message.as_deref())?;
        self.text(row.invocation_type.as_str())?;
        self.put(row.router_config_id)?;
        self.put(row.router_config_revision)?;
        self.put(row.session_id)?;
        self.text_or_null(row.session_ref.as_deref())?;
        self.put(row.hop)?;
        self.put(row.attempts)?;
        self.put(row.status_code)?;
        self.text_or_null(row.matched_rule.as_deref())?;
        self.put(row.duration_ms)?;
        self.text(row.origin.as_str())?;
        self.moment(row.created_at)?;
        self.moment(row.recorded_at)
    }
}

impl Bind for SqliteArguments {
    fn put<'t, T>(&mut self, value: T) -> Result<(), BoxDynError>
    where
        T: Encode<'t, Sqlite> + Type<Sqlite> + Encode<'t, Postgres> + Type<Postgres>,
    {
        self.add(value)
    }

    /// A text that is shared is copied once; another one would be copied into a text of its own, which is then shared.
    fn text(&mut self, text: &str) -> Result<(), BoxDynError> {
        self.add(Arc::<str>::from(text))
    }

    fn moment(&mut self, time: DateTime<Utc>) -> Result<(), BoxDynError> {
        match rfc3339(time) {
            Some(text) => self.add(text),
            None => self.put(time),
        }
    }

    fn attempts(&mut self, attempts: &Attempts) -> Result<(), BoxDynError> {
        match attempts {
            Attempts::Text(text) => self.text(text.get()),
            Attempts::Parsed(_) => self.put(Json(attempts)),
        }
    }
}

/// A time as the driver writes it, but without the formatter, which takes as long as the rest of a row. `None` for years
/// that have not four digits.
fn rfc3339(time: DateTime<Utc>) -> Option<String> {
    let year = u32::try_from(time.year()).ok().filter(|year| *year < 10_000)?;
    let nanos = time.nanosecond();
    let (parts, digits) = match (nanos % 1_000_000, nanos % 1_000) {
        // A leap second.
        _ if nanos >= 1_000_000_000 => return None,
        _ if nanos == 0 => (0, 0),
        (0, _) => (nanos / 1_000_000, 3),
        (_, 0) => (nanos / 1_000, 6),
        (_, _) => (nanos, 9),
    };
    let mut text = *b"0000-00-00T00:00:00.000000000";
    let numbers = [
        (0..4, year),
        (5..7, time.month()),
        (8..10, time.day()),
        (11..13, time.hour()),
        (14..16, time.minute()),
        (17..19, time.second()),
        (20..20 + digits, parts),
    ];
    for (place, number) in numbers {
        let mut rest = number;
        for digit in text.get_mut(place)?.iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
        }
    }
    let length = if digits == 0 { 19 } else { 20 + digits };
    Some([std::str::from_utf8(text.get(..length)?).ok()?, "+00:00"].concat())
}

impl Bind for PgArguments {
    fn put<'t, T>(&mut self, value: T) -> Result<(), BoxDynError>
    where
        T: Encode<'t, Sqlite> + Type<Sqlite> + Encode<'t, Postgres> + Type<Postgres>,
    {
        self.add(value)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono::SecondsFormat;
    use entity::{fallback_events, requests};
    use proptest::prelude::*;
    use sea_orm::{IdenStatic as _, Iterable as _};

    use super::*;
    use crate::store::records::request::REQUEST_COLUMNS;

    proptest! {
        #[test]
        fn a_time_is_written_as_the_driver_writes_it(
            seconds in -62_135_596_800_i64..=253_402_300_799,
            nanos in prop::sample::select(vec![0, 7, 1_000, 999_000, 1_000_000, 120_000_000, 999_999_999, 1_500_000_000]),
        ) {
            let Some(time) = DateTime::from_timestamp(seconds, nanos) else { return Ok(()) };
            let expected = time.to_rfc3339_opts(SecondsFormat::AutoSi, false);
            prop_assert!(rfc3339(time).is_none_or(|text| text == expected), "{}", expected);
            prop_assert_eq!(rfc3339(time).is_some(), nanos < 1_000_000_000);
        }
    }

    #[test]
    fn every_column_is_bound() {
        let columns: BTreeSet<&str> = requests::Column::iter().map(|column| column.as_str()).collect();
        assert_eq!(columns, BTreeSet::from(REQUEST_COLUMNS));
        let columns: BTreeSet<&str> = fallback_events::Column::iter().map(|column| column.as_str()).collect();
        assert_eq!(columns, BTreeSet::from(EVENT_COLUMNS));
    }
}
