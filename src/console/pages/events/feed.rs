//! What an organization recorded lately: read once a second, however many live views are open.
//!
//! The views take turns: the first one whose second is over reads for all of them. Without a view nothing is read.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::OrganizationId;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::line::EventLine;
use crate::domain::error::{Error, Result};
use crate::store::{EventFilter, EventRow, OrgStore};

/// How late a row may be recorded and still be seen.
pub(super) const LATE: TimeDelta = TimeDelta::seconds(120);
/// What was read is good for all views of one second. A view looks each second, so its own look is always a new one.
const FRESH: Duration = Duration::from_millis(900);
/// The most rows of one look.
const MOST: u64 = 500;

#[derive(Template)]
#[template(path = "events/line.html")]
struct Line {
    line: EventLine,
}

/// The feeds of all organizations.
#[derive(Debug, Default)]
pub struct Feeds(papaya::HashMap<OrganizationId, Arc<Feed>>);

#[derive(Debug, Default)]
struct Feed(Mutex<Option<Look>>);

#[derive(Debug)]
struct Look {
    at: Instant,
    rows: Arc<[Recent]>,
}

/// A row, and the line that it is drawn as, once.
#[derive(Debug)]
pub(super) struct Recent {
    pub(super) row: EventRow,
    html: OnceLock<String>,
}

impl Recent {
    pub(super) fn new(row: EventRow) -> Self {
        Self { row, html: OnceLock::new() }
    }

    /// The line in one line of text.
    pub(super) fn html(&self) -> Result<&str> {
        if let Some(drawn) = self.html.get() {
            return Ok(drawn);
        }
        let html = Line { line: EventLine::from(&self.row) }.render().map_err(Error::internal)?;
        Ok(self.html.get_or_init(|| html.split_whitespace().collect::<Vec<_>>().join(" ")))
    }
}

impl Feeds {
    /// What was recorded in the last two minutes, newest first.
    pub(super) async fn recent(&self, data: &OrgStore, now: DateTime<Utc>) -> Result<Arc<[Recent]>> {
        let feed = self.0.pin().get_or_insert_with(data.organization_id(), Arc::default).clone();
        let mut last = feed.0.lock().await;
        if let Some(look) = last.as_ref().filter(|look| look.at.elapsed() < FRESH) {
            return Ok(look.rows.clone());
        }
        let at = Instant::now();
        let filter = EventFilter { since: Some(now - LATE), ..EventFilter::default() };
        let rows = rows(data, &filter).await?;
        *last = Some(Look { at, rows: rows.clone() });
        Ok(rows)
    }
}

/// The newest rows that match.
pub(super) async fn rows(data: &OrgStore, filter: &EventFilter) -> Result<Arc<[Recent]>> {
    let rows = data.event_batch(filter, None, MOST).await?;
    Ok(rows.into_iter().map(Recent::new).collect())
}
