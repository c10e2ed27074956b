//! `GET /`: what came in, what was answered, what the fallbacks saved, and what is wrong right now.
//!
//! The figures come from the roll-ups, never from rows.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use crate::auth::console::console_user::{Visitor, may};
use crate::console::components::budget_summary;
use crate::console::components::chart::{Chart, Plan};
use crate::console::components::format::{count, duration, rough, share, sum};
use crate::console::components::layout::{Frame, Lit};
use crate::console::components::status_badge::Mark;
use crate::console::components::time_range::Span;
use crate::console::http::query::Query;
use crate::console::http::responses::page;
use crate::console::pages::events::line::EventLine;
use crate::domain::clock::Clock;
use crate::domain::error::Result;
use crate::gateway::Gateway;
use crate::gateway::routing::cooldown::{CooldownState, Cooldowns};
use crate::store::pagination::PageRequest;
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{EventFilter, RequestCounts, RequestTimes, Store};

/// The most reasons that are shown.
const REASONS: u64 = 6;
/// The newest events that are shown.
const EVENTS: u64 = 10;
/// What figures can be of: drills are not counted.
const COUNTED: &[&str] = &["live", "demo"];

#[derive(Template)]
#[template(path = "overview/read.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) notes: Vec<String>,
    pub(crate) ranges: Vec<RangeLink>,
    /// What the span is called.
    pub(crate) span: String,
    /// Whether anything came in at all.
    pub(crate) quiet: bool,
    pub(crate) figures: Vec<Figure>,
    pub(crate) chart: Option<Chart>,
    pub(crate) reasons: Vec<ReasonShare>,
    pub(crate) cooling: Vec<CoolingModel>,
    pub(crate) events: Vec<EventLine>,
    /// `live`, `drill` or `demo`.
    pub(crate) origin: String,
}

/// The way to another span.
pub(crate) struct RangeLink {
    pub(crate) label: &'static str,
    pub(crate) path: String,
    pub(crate) lit: bool,
}

/// One figure.
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    /// What stands below it.
    pub(crate) more: String,
    /// Whether it is what this product is for.
    pub(crate) lit: bool,
}

/// How often something was the reason.
pub(crate) struct ReasonShare {
    pub(crate) reason: Mark,
    pub(crate) path: String,
    pub(crate) events: String,
    /// Of 1,000, compared with the most frequent one.
    pub(crate) width: i64,
}

/// A model that is left alone.
pub(crate) struct CoolingModel {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) reason: Mark,
    /// How much longer.
    pub(crate) left: String,
}

/// The page.
///
/// # Errors
/// The database cannot be read.
pub async fn read(
    visitor: Visitor<may::Read>,
    request: HttpRequest,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let data = store.organization(&visitor.tenant);
    let mut query = Query::parse(request.query_string());
    let span = Span::read(&mut query, clock.now(), "24h");
    let origin = query.word("origin", "Origin", COUNTED).unwrap_or_else(|| "live".to_owned());
    let counted = span.rollups(Some(origin.clone()));
    let counts = data.request_counts(&counted, span.step()).await?;
    let times = data.request_times(&counted).await?;
    let reasons = data.event_reasons(&counted, REASONS).await?;
    let filter =
        EventFilter { origin: Some(origin.clone()), since: Some(span.since), ..EventFilter::default() };
    let events = data.event_list(&filter, &PageRequest { limit: EVENTS, cursor: None }).await?;
    let total = counts.values().fold(RequestCounts::default(), RequestCounts::and);
    page(&Page {
        frame: Frame::of(&visitor, "Overview", Lit::Overview),
        notes: [
            budget_summary::warnings(&visitor.organization, &gateway.shared_state.spending),
            behind(&gateway),
            query.notes(),
        ]
        .concat(),
        ranges: ranges(&span, &query),
        span: span.name(),
        quiet: total.requests() == 0 && events.items.is_empty(),
        figures: figures(&total, &times),
        chart: chart(&span, |at| counts.get(&at.timestamp()).copied().unwrap_or_default()),
        reasons: shares(&reasons, &span, &origin),
        cooling: cooling(&visitor.organization, &gateway.shared_state.cooldowns),
        events: events.items.iter().map(EventLine::from).collect(),
        origin,
    })
}

/// What is said while records wait for the database. Not how many: they may be other organizations'.
fn behind(gateway: &Gateway) -> Vec<String> {
    const BEHIND: &str = "The database was away or slow, and records are still on their way into it: the newest requests and \
                          events may be missing here. None of them is lost.";
    let waiting = gateway.recorder.watcher().spooled() > 0;
    waiting.then(|| BEHIND.to_owned()).into_iter().collect()
}

pub(crate) fn ranges(span: &Span, query: &Query) -> Vec<RangeLink> {
    let known = [("1h", "Hour"), ("24h", "Day"), ("7d", "Week"), ("30d", "Month")];
    let link = |(word, label): (&str, &'static str)| RangeLink {
        label,
        path: format!("/{}", query.with(&[("range", Some(word)), ("since", None), ("until", None)])),
        lit: span.range == word,
    };
    known.map(link).into()
}

pub(crate) fn figures(total: &RequestCounts, times: &RequestTimes) -> Vec<Figure> {
    let answered = total.first_try + total.by_fallback;
    // Who did not wait for the answer says nothing about it.
    let waited = total.requests() - total.client_closed;
    let figure = |name, value, more| Figure { name, value, more, lit: false };
    let time = |percent| times.first_frame.percentile(percent).map_or_else(|| "–".to_owned(), duration);
    let tokens = format!("{} tokens in, {} out", rough(total.input_tokens), rough(total.output_tokens));
    let saved = figure(
        "Saved by fallback",
        count(total.by_fallback),
        format!("{} of all requests", share(total.by_fallback, total.requests())),
    );
    vec![
        figure(
            "Requests",
            count(total.requests()),
            format!("{} callers left early", count(total.client_closed)),
        ),
        figure("Success rate", share(answered, waited), format!("{} failed", count(total.failed))),
        Figure { lit: total.by_fallback > 0, ..saved },
        figure("First token, median", time(50), format!("95 % within {}", time(95))),
        figure("Cost", sum(total.cost_nano_dollars, total.unpriced), tokens),
    ]
}

pub(crate) fn chart(span: &Span, counts: impl Fn(DateTime<Utc>) -> RequestCounts) -> Option<Chart> {
    let bar = |at: DateTime<Utc>| {
        let counts = counts(at);
        (at, vec![counts.first_try, counts.by_fallback, counts.failed])
    };
    let buckets: Vec<_> = span.bars().into_iter().map(bar).collect();
    let series = &[("first", "First try"), ("fallback", "By fallback"), ("bad", "Failed")];
    Plan { title: "Requests by how they were answered", series, buckets: &buckets, step: span.step() }.draw()
}

pub(crate) fn shares(reasons: &[(String, i64)], span: &Span, origin: &str) -> Vec<ReasonShare> {
    let most = reasons.iter().map(|(_, events)| *events).max().unwrap_or(1).max(1);
    let share = |(class, events): &(String, i64)| {
        let here = Query::default();
        let range = if span.range.is_empty() { "7d" } else { &span.range };
        let query = here.with(&[("class", Some(class)), ("range", Some(range)), ("origin", Some(origin))]);
        ReasonShare {
            reason: Mark::of_class(class),
            path: format!("/events{query}"),
            events: count(*events),
            width: (events * 1_000 / most).max(4),
        }
    };
    reasons.iter().map(share).collect()
}

fn cooling(organization: &OrganizationSnapshot, cooldowns: &Cooldowns) -> Vec<CoolingModel> {
    let mut cooling: Vec<CoolingModel> = Vec::new();
    for model in organization.models.values() {
        let CooldownState::Open(cooldown) = cooldowns.state(model) else { continue };
        let left = i64::try_from(cooldown.remaining.as_secs()).unwrap_or(i64::MAX);
        cooling.push(CoolingModel {
            name: model.name.to_string(),
            path: format!("/models/{}", model.id.0),
            reason: Mark::of_class(cooldown.failure.class.as_str()),
            left: if left == 0 {
                "tried with the next request".to_owned()
            } else {
                format!("for {left} s more")
            },
        });
    }
    cooling.sort_by(|one, other| one.name.cmp(&other.name));
    cooling
}
