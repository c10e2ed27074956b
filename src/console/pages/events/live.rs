//! `GET /events/live`: new events as server-sent events; the data of each is a table row in HTML.
//!
//! Rows may be recorded late, so the last two minutes are read at every poll, and rows not sent yet are sent. A
//! returning reader names its last row and receives everything from two minutes before it; the page drops rows it
//! already has. A stream sends `bye` after a minute and the page opens the next one, so that logouts take effect and
//! the server can stop. A reader that was away for more than an hour receives `gap`.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::stream;
use tokio::time::{Interval, MissedTickBehavior, interval};
use uuid::Uuid;

use super::feed::{Feeds, LATE, Recent, rows};
use super::filter::Filters;
use crate::auth::console::console_user::{ConsoleUser, may};
use crate::console::http::query::Query;
use crate::console::http::responses::event_stream;
use crate::domain::clock::Clock;
use crate::domain::error::{Error, Result};
use crate::limits::shares::{Shares, Slot};
use crate::store::{EventFilter, OrgStore, Store};

/// Maximum age of the reader's last row.
const FAR: TimeDelta = TimeDelta::hours(1);
/// Interval between two polls.
const EVERY: Duration = Duration::from_secs(1);
/// Maximum duration of a stream.
const LIFE: TimeDelta = TimeDelta::seconds(60);

/// Opens the stream.
///
/// # Errors
/// The person or the organization has too many open streams.
pub async fn stream(
    console_user: ConsoleUser<may::Read>,
    request: HttpRequest,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
    feeds: web::Data<Feeds>,
    shares: web::Data<Shares>,
) -> Result<HttpResponse> {
    let place = shares.of(console_user.organization.id).tail(console_user.user.id)?;
    let data = store.organization(&console_user.tenant);
    let mut query = Query::parse(request.query_string());
    let filters = Filters::read(&mut query, data.organization_id(), clock.now());
    let header = request.headers().get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let last = header.or_else(|| query.text("after")).and_then(|id| id.parse::<Uuid>().ok());
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let tail = LiveStream {
        data,
        feeds,
        _place: place,
        filter: filters.rows(),
        clock: clock.get_ref().clone(),
        since: last.and_then(moment),
        sent: HashSet::new(),
        ticks,
        end: clock.now() + LIFE,
        stage: Stage::Starting,
    };
    let pieces = stream::try_unfold(tail, async |mut tail| {
        let piece = tail.next().await?;
        Ok::<_, Error>(piece.map(|piece| (piece, tail)))
    });
    Ok(event_stream(pieces))
}

/// The state of one reader.
struct LiveStream {
    data: OrgStore,
    feeds: web::Data<Feeds>,
    _place: Slot,
    filter: EventFilter,
    clock: Clock,
    /// The reader's last position; rows after it are sent again.
    since: Option<DateTime<Utc>>,
    sent: HashSet<Uuid>,
    ticks: Interval,
    end: DateTime<Utc>,
    stage: Stage,
}

/// Progress of a stream.
enum Stage {
    /// Nothing was sent yet.
    Starting,
    /// Rows are being sent.
    Streaming,
    /// The stream has ended with `bye`.
    Done,
}

impl LiveStream {
    /// The next chunk; `None` at the end.
    async fn next(&mut self) -> Result<Option<String>> {
        match self.stage {
            Stage::Starting => {
                self.stage = Stage::Streaming;
                return Ok(Some("retry: 1000\n\n".to_owned()));
            }
            Stage::Done => return Ok(None),
            Stage::Streaming => {}
        }
        self.ticks.tick().await;
        // Each poll sends something, so that a broken connection is noticed.
        let mut text = String::from(":\n\n");
        if self.since.is_some_and(|since| since < self.clock.now() - FAR) {
            text.push_str("event: gap\ndata: 1\n\n");
        }
        let found = self.look().await?;
        // Ids that can no longer be found need not be remembered.
        let known = std::mem::take(&mut self.sent);
        for recent in found.iter().rev().filter(|recent| self.filter.matches(&recent.row)) {
            let id = recent.row.id.0;
            if !known.contains(&id) {
                let html = recent.html()?;
                text.push_str(&format!("event: row\nid: {id}\ndata: {html}\n\n"));
            }
            self.sent.insert(id);
        }
        // Later rows belong to the next stream, which starts before this point.
        if self.clock.now() >= self.end {
            self.stage = Stage::Done;
            text.push_str("event: bye\ndata: 1\n\n");
        }
        Ok(Some(text))
    }

    /// Recent rows, newest first. A returning reader's first read goes to the database; later ones are shared.
    async fn look(&mut self) -> Result<Arc<[Recent]>> {
        let Some(since) = self.since.take() else { return self.feeds.recent(&self.data, &self.clock).await };
        let now = self.clock.now();
        let back = since.clamp(now - FAR, now) - LATE;
        let since = self.filter.since.map_or(back, |since| since.max(back));
        rows(&self.data, &EventFilter { since: Some(since), ..self.filter.clone() }).await
    }
}

/// The time encoded in an id.
fn moment(id: Uuid) -> Option<DateTime<Utc>> {
    let (seconds, nanoseconds) = id.get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanoseconds)
}

#[cfg(test)]
mod tests;
