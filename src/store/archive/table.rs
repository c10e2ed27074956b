//! The tables of the archive: their columns, and how a row becomes a list of cells.
//!
//! The columns and the form of a cell that is hashed are public: docs/ARCHIVE.md has them. A new column comes last.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use entity::ids::OrganizationId;
use entity::{fallback_events, requests};
use sea_orm::{EntityTrait, FromQueryResult};
use uuid::Uuid;

use crate::store::records::attempts::Attempts;

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int,
    Long,
    /// Microseconds since 1970, in UTC.
    Time,
    /// A UUID, as 16 bytes.
    Id,
    Text,
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) nullable: bool,
}

/// The value of a column in one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    Null,
    Bool(bool),
    Int(i32),
    /// A number, or a time in microseconds.
    Long(i64),
    Id(Uuid),
    Text(Cow<'a, str>),
}

impl Cell<'_> {
    /// Adds the cell to a checksum in a form that does not depend on Parquet.
    pub(super) fn hash(&self, hasher: &mut blake3::Hasher) {
        hasher.update(&[u8::from(*self != Cell::Null)]);
        match self {
            Cell::Null => hasher,
            Cell::Bool(value) => hasher.update(&[u8::from(*value)]),
            Cell::Int(value) => hasher.update(&value.to_le_bytes()),
            Cell::Long(value) => hasher.update(&value.to_le_bytes()),
            Cell::Id(value) => hasher.update(value.as_bytes()),
            Cell::Text(text) => {
                hasher.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
                hasher.update(text.as_bytes())
            }
        };
    }
}

/// A table of the archive.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// The first column is the id of the row.
    pub(super) columns: &'static [Column],
}

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, nullable: false }
}

const fn nullable(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, nullable: true }
}

static REQUESTS: Table = Table {
    name: "requests",
    columns: &[
        column("id", Kind::Id),
        column("organization_id", Kind::Id),
        nullable("api_key_id", Kind::Id),
        nullable("api_key_name", Kind::Text),
        column("requested_model", Kind::Text),
        nullable("served_model", Kind::Text),
        nullable("served_provider", Kind::Text),
        column("outcome", Kind::Text),
        nullable("error_class", Kind::Text),
        column("status_code", Kind::Int),
        column("endpoint", Kind::Text),
        column("invocation_type", Kind::Text),
        column("streamed", Kind::Bool),
        nullable("input_tokens", Kind::Long),
        nullable("output_tokens", Kind::Long),
        nullable("cached_tokens", Kind::Long),
        nullable("reasoning_tokens", Kind::Long),
        nullable("cache_write_tokens", Kind::Long),
        nullable("usage_flag", Kind::Text),
        nullable("cost_nano_dollars", Kind::Long),
        nullable("cost_source", Kind::Text),
        nullable("model_price_id", Kind::Id),
        column("estimated", Kind::Bool),
        nullable("first_frame_ms", Kind::Long),
        column("total_ms", Kind::Long),
        column("upstream_calls", Kind::Int),
        column("hops", Kind::Int),
        column("attempts", Kind::Text),
        nullable("session_id", Kind::Id),
        nullable("session_ref", Kind::Text),
        nullable("client_retry_count", Kind::Int),
        column("origin", Kind::Text),
        column("created_at", Kind::Time),
        column("recorded_at", Kind::Time),
    ],
};

static FALLBACK_EVENTS: Table = Table {
    name: "fallback_events",
    columns: &[
        column("id", Kind::Id),
        column("organization_id", Kind::Id),
        column("request_id", Kind::Id),
        column("failed_model", Kind::Text),
        nullable("next_model", Kind::Text),
        column("error_class", Kind::Text),
        nullable("error_message", Kind::Text),
        column("invocation_type", Kind::Text),
        nullable("router_config_id", Kind::Id),
        nullable("router_config_revision", Kind::Long),
        nullable("session_id", Kind::Id),
        nullable("session_ref", Kind::Text),
        column("hop", Kind::Int),
        column("attempts", Kind::Int),
        nullable("status_code", Kind::Int),
        nullable("matched_rule", Kind::Text),
        column("duration_ms", Kind::Long),
        column("origin", Kind::Text),
        column("created_at", Kind::Time),
        column("recorded_at", Kind::Time),
    ],
};

/// The rows of a table that is archived.
pub(super) trait ArchivedRow: FromQueryResult + Send + Sync + 'static {
    /// The entity of the rows.
    type Entity: EntityTrait<Model = Self>;
    /// The column of the organization.
    const ORGANIZATION: <Self::Entity as EntityTrait>::Column;
    /// The column of the id.
    const ID: <Self::Entity as EntityTrait>::Column;
    /// The column that is not null while a row is not final.
    const INSTANCE: Option<<Self::Entity as EntityTrait>::Column>;

    fn table() -> &'static Table;
    fn organization(&self) -> OrganizationId;
    fn id(&self) -> Uuid;
    /// The values of all columns, in order.
    fn cells(&self) -> Vec<Cell<'_>>;
}

impl ArchivedRow for requests::Model {
    type Entity = requests::Entity;
    const ORGANIZATION: requests::Column = requests::Column::OrganizationId;
    const ID: requests::Column = requests::Column::Id;
    const INSTANCE: Option<requests::Column> = Some(requests::Column::InstanceId);

    fn table() -> &'static Table {
        &REQUESTS
    }

    fn organization(&self) -> OrganizationId {
        self.organization_id
    }

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn cells(&self) -> Vec<Cell<'_>> {
        vec![
            Cell::Id(self.id.0),
            Cell::Id(self.organization_id.0),
            id(self.api_key_id),
            maybe_text(self.api_key_name.as_deref()),
            text(&self.requested_model),
            maybe_text(self.served_model.as_deref()),
            maybe_text(self.served_provider.as_deref()),
            text(&self.outcome),
            maybe_text(self.error_class.as_deref()),
            Cell::Int(self.status_code),
            text(&self.endpoint),
            text(&self.invocation_type),
            Cell::Bool(self.streamed),
            long(self.input_tokens),
            long(self.output_tokens),
            long(self.cached_tokens),
            long(self.reasoning_tokens),
            long(self.cache_write_tokens),
            maybe_text(self.usage_flag.as_deref()),
            long(self.cost_nano_dollars),
            maybe_text(self.cost_source.as_deref()),
            id(self.model_price_id),
            Cell::Bool(self.estimated),
            long(self.first_frame_ms),
            Cell::Long(self.total_ms),
            Cell::Int(self.upstream_calls),
            Cell::Int(self.hops),
            Cell::Text(Attempts::from(self.attempts.clone()).into_value().to_string().into()),
            id(self.session_id),
            maybe_text(self.session_ref.as_deref()),
            int(self.client_retry_count),
            text(&self.origin),
            time(self.created_at),
            time(self.recorded_at),
        ]
    }
}

impl ArchivedRow for fallback_events::Model {
    type Entity = fallback_events::Entity;
    const ORGANIZATION: fallback_events::Column = fallback_events::Column::OrganizationId;
    const ID: fallback_events::Column = fallback_events::Column::Id;
    const INSTANCE: Option<fallback_events::Column> = None;

    fn table() -> &'static Table {
        &FALLBACK_EVENTS
    }

    fn organization(&self) -> OrganizationId {
        self.organization_id
    }

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn cells(&self) -> Vec<Cell<'_>> {
        vec![
            Cell::Id(self.id.0),
            Cell::Id(self.organization_id.0),
            Cell::Id(self.request_id.0),
            text(&self.failed_model),
            maybe_text(self.next_model.as_deref()),
            text(&self.error_class),
            maybe_text(self.error_message.as_deref()),
            text(&self.invocation_type),
            id(self.router_config_id),
            long(self.router_config_revision),
            id(self.session_id),
            maybe_text(self.session_ref.as_deref()),
            Cell::Int(self.hop),
            Cell::Int(self.attempts),
            int(self.status_code),
            maybe_text(self.matched_rule.as_deref()),
            Cell::Long(self.duration_ms),
            text(&self.origin),
            time(self.created_at),
            time(self.recorded_at),
        ]
    }
}

fn text(text: &str) -> Cell<'_> {
    Cell::Text(text.into())
}

fn maybe_text(value: Option<&str>) -> Cell<'_> {
    value.map_or(Cell::Null, text)
}

fn id(value: Option<Uuid>) -> Cell<'static> {
    value.map_or(Cell::Null, Cell::Id)
}

fn int(value: Option<i32>) -> Cell<'static> {
    value.map_or(Cell::Null, Cell::Int)
}

fn long(value: Option<i64>) -> Cell<'static> {
    value.map_or(Cell::Null, Cell::Long)
}

fn time(value: DateTime<Utc>) -> Cell<'static> {
    Cell::Long(value.timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::REQUEST_COLUMNS;

    #[test]
    fn the_document_has_every_column() {
        let document = include_str!("../../../docs/ARCHIVE.md");
        for table in [&REQUESTS, &FALLBACK_EVENTS] {
            let (_, rest) = document.split_once(&format!("### `{}`", table.name)).expect("its section");
            let rows = rest.lines().skip(4).take_while(|line| line.starts_with('|'));
            let written = |column: &Column| {
                let kind = match column.kind {
                    Kind::Bool => "BOOLEAN",
                    Kind::Int => "INT32",
                    Kind::Long => "INT64",
                    Kind::Time => "TIMESTAMP",
                    Kind::Id => "UUID",
                    Kind::Text => "STRING",
                };
                format!("| `{}` | {kind} | {} |", column.name, if column.nullable { "yes" } else { "" })
            };
            assert_eq!(rows.collect::<Vec<_>>(), table.columns.iter().map(written).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_request_has_all_its_public_columns() {
        let columns: Vec<&str> = REQUESTS.columns.iter().map(|column| column.name).collect();
        assert_eq!(columns, REQUEST_COLUMNS[..REQUEST_COLUMNS.len() - 1]);
    }
}
