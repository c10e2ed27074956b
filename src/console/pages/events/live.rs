//! `GET /events/live`: events as they are recorded, as a stream of server-sent events whose data is a line of the table.
//!
//! Rows may be recorded late, so the last two minutes are read again and again, and what was not sent yet is sent. Who
//! comes back says which row was the last, and gets everything from two minutes before it; the page knows what it has.
//! A stream says `bye` after a minute, and the page asks for the next one: so a log-out holds, and a server can stop. Who was
//! away for longer than an hour is told that there is a `gap`.

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
use crate::auth::console::console_user::{Visitor, may};
use crate::console::http::query::Query;
use crate::console::http::responses::event_stream;
use crate::domain::clock::Clock;
use crate::domain::error::{Error, Result};
use crate::limits::shares::{Shares, Slot};
use crate::store::{EventFilter, OrgStore, Store};

/// How far back somebody may come.
const FAR: TimeDelta = TimeDelta::hours(1);
/// How often is looked.
const EVERY: Duration = Duration::from_secs(1);
/// How long a stream lasts.
const LIFE: TimeDelta = TimeDelta::seconds(60);

/// The stream.
///
/// # Errors
/// The person or the organization has as many open as it may.
pub async fn stream(
    visitor: Visitor<may::Read>,
    request: HttpRequest,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
    feeds: web::Data<Feeds>,
    shares: web::Data<Shares>,
) -> Result<HttpResponse> {
    let place = shares.of(visitor.organization.id).tail(visitor.user.id)?;
    let data = store.organization(&visitor.tenant);
    let mut query = Query::parse(request.query_string());
    let filters = Filters::read(&mut query, data.organization_id(), clock.now());
    let header = request.headers().get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let last = header.or_else(|| query.text("after")).and_then(|id| id.parse::<Uuid>().ok());
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let tail = Tail {
        data,
        feeds,
        _place: place,
        filter: filters.rows(),
        clock: clock.get_ref().clone(),
        since: last.and_then(moment),
        sent: HashSet::new(),
        ticks,
        end: clock.now() + LIFE,
        stage: Stage::Opening,
    };
    let pieces = stream::try_unfold(tail, async |mut tail| {
        let piece = tail.next().await?;
        Ok::<_, Error>(piece.map(|piece| (piece, tail)))
    });
    Ok(event_stream(pieces))
}

/// What one reader has been told.
struct Tail {
    data: OrgStore,
    feeds: web::Data<Feeds>,
    _place: Slot,
    filter: EventFilter,
    clock: Clock,
    /// Where the reader was; from then on everything is said once more.
    since: Option<DateTime<Utc>>,
    sent: HashSet<Uuid>,
    ticks: Interval,
    end: DateTime<Utc>,
    stage: Stage,
}

/// How far a stream is.
enum Stage {
    /// Nothing was said yet.
    Opening,
    /// Rows are told.
    Telling,
    /// The reader was sent to the next stream.
    Over,
}

impl Tail {
    /// The next piece; none at the end.
    async fn next(&mut self) -> Result<Option<String>> {
        match self.stage {
            Stage::Opening => {
                self.stage = Stage::Telling;
                return Ok(Some("retry: 1000\n\n".to_owned()));
            }
            Stage::Over => return Ok(None),
            Stage::Telling => {}
        }
        self.ticks.tick().await;
        // Something is said with every look, so that a connection that broke is noticed.
        let mut text = String::from(":\n\n");
        if self.since.is_some_and(|since| since < self.clock.now() - FAR) {
            text.push_str("event: gap\ndata: 1\n\n");
        }
        let found = self.look().await?;
        // What is not found any more is too old to be found again.
        let known = std::mem::take(&mut self.sent);
        for recent in found.iter().rev().filter(|recent| self.filter.matches(&recent.row)) {
            let id = recent.row.id.0;
            if !known.contains(&id) {
                let html = recent.html()?;
                text.push_str(&format!("event: row\nid: {id}\ndata: {html}\n\n"));
            }
            self.sent.insert(id);
        }
        // After the last look: what comes from now on is for the next stream, which begins before it.
        if self.clock.now() >= self.end {
            self.stage = Stage::Over;
            text.push_str("event: bye\ndata: 1\n\n");
        }
        Ok(Some(text))
    }

    /// What was recorded lately, newest first: for a reader who comes back its own look, and then what all views see.
    async fn look(&mut self) -> Result<Arc<[Recent]>> {
        let now = self.clock.now();
        let Some(since) = self.since.take() else { return self.feeds.recent(&self.data, now).await };
        let back = since.clamp(now - FAR, now) - LATE;
        let since = self.filter.since.map_or(back, |since| since.max(back));
        rows(&self.data, &EventFilter { since: Some(since), ..self.filter.clone() }).await
    }
}

/// When a row of that id was made.
fn moment(id: Uuid) -> Option<DateTime<Utc>> {
    let (seconds, nanoseconds) = id.get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanoseconds)
}
