//! Recent events of an organization, read once a second for all of its open live views.
//!
//! The first view that polls after a second has passed reads for all of them. Without an open view nothing is read.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use askama::Template;
use chrono::TimeDelta;
use entity::ids::OrganizationId;
use tokio::sync::Mutex;

use super::line::EventLine;
use crate::domain::IdMap;
use crate::domain::clock::Clock;
use crate::domain::error::{Error, Result};
use crate::store::{EventFilter, FallbackEventRow, OrgStore};

/// A row that is recorded up to this much late is still found.
pub(super) const LATE: TimeDelta = TimeDelta::seconds(120);
/// A read is shared by all views within this time. It is slightly less than the polling interval, so each poll of a
/// single view reads again.
const FRESH: Duration = Duration::from_millis(900);
/// Maximum number of rows per read.
const MOST: u64 = 500;

#[derive(Template)]
#[template(path = "events/line.html")]
struct Line {
    line: EventLine,
}

/// The feeds of all organizations.
#[derive(Debug, Default)]
pub struct Feeds(IdMap<OrganizationId, Arc<Feed>>);

#[derive(Debug, Default)]
struct Feed(Mutex<Option<RecentRead>>);

#[derive(Debug)]
struct RecentRead {
    /// As [`Clock::monotonic`] showed it.
    at: Duration,
    rows: Arc<[Recent]>,
}

/// A row and its rendered HTML.
#[derive(Debug)]
pub(super) struct Recent {
    pub(super) row: FallbackEventRow,
    html: OnceLock<String>,
}

impl Recent {
    pub(super) fn new(row: FallbackEventRow) -> Self {
        Self { row, html: OnceLock::new() }
    }

    /// The rendered row without line breaks.
    pub(super) fn html(&self) -> Result<&str> {
        if let Some(drawn) = self.html.get() {
            return Ok(drawn);
        }
        let html = Line { line: EventLine::from(&self.row) }.render().map_err(Error::internal)?;
        Ok(self.html.get_or_init(|| html.split_whitespace().collect::<Vec<_>>().join(" ")))
    }
}

impl Feeds {
    /// The events of the last two minutes, newest first.
    pub(super) async fn recent(&self, data: &OrgStore, clock: &Clock) -> Result<Arc<[Recent]>> {
        let feed = self.0.pin().get_or_insert_with(data.organization_id(), Arc::default).clone();
        let mut last = feed.0.lock().await;
        let at = clock.monotonic();
        if let Some(look) = last.as_ref().filter(|look| at.saturating_sub(look.at) < FRESH) {
            return Ok(look.rows.clone());
        }
        let filter = EventFilter { since: Some(clock.now() - LATE), ..EventFilter::default() };
        let rows = rows(data, &filter).await?;
        *last = Some(RecentRead { at, rows: rows.clone() });
        Ok(rows)
    }
}

/// The newest rows that match.
pub(super) async fn rows(data: &OrgStore, filter: &EventFilter) -> Result<Arc<[Recent]>> {
    let rows = data.event_batch(filter, None, MOST).await?;
    Ok(rows.into_iter().map(Recent::new).collect())
}
