//! `GET /`: traffic, success rate, what the fallbacks saved, and current problems.
//!
//! All numbers come from the roll-ups, never from individual rows. Only the causes of skips for a cooldown come from
//! the newest of those events.

pub(crate) mod causes;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use crate::auth::console::console_user::{ConsoleUser, may};
use crate::console::components::budget_summary;
use crate::console::components::diagrams::chart::{Chart, Plan};
use crate::console::components::format::{count, counted, duration, share, sum, tokens};
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::status_badge::StatusBadge;
use crate::console::components::time_range::TimeRange;
use crate::console::http::query::Query;
use crate::console::http::responses::page;
use crate::console::pages::events::line::EventLine;
use crate::domain::clock::Clock;
use crate::domain::error::Result;
use crate::domain::failure::class::ErrorClass;
use crate::domain::origin::Origin;
use crate::gateway::Gateway;
use crate::gateway::routing::cooldown::{CooldownState, Cooldowns};
use crate::store::pagination::PageRequest;
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{EventFilter, RequestCounts, RequestTimes, Store};
use causes::{Cause, by_cause};

/// Maximum number of reasons shown.
const REASONS: usize = 6;
/// More than all error classes.
const CLASSES: usize = 100;
/// Maximum number of skips for a cooldown that are read for their causes.
const READ_SKIPS: u64 = 2_000;
/// Maximum number of recent events shown, where equal skips in a row are one.
const EVENTS: usize = 10;
/// Maximum number of recent events read.
const READ_EVENTS: u64 = 50;

#[derive(Template)]
#[template(path = "overview/read.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) notes: Vec<String>,
    pub(crate) ranges: Vec<RangeLink>,
    /// Name of the time range.
    pub(crate) span: String,
    /// Whether there was no traffic at all.
    pub(crate) quiet: bool,
    pub(crate) figures: Vec<Figure>,
    pub(crate) chart: Option<Chart>,
    pub(crate) reasons: Vec<ReasonShare>,
    pub(crate) cooling: Vec<CoolingModel>,
    pub(crate) events: Vec<EventLine>,
    /// The word of the [`Origin`] of the figures.
    pub(crate) origin: &'static str,
}

/// Link to another time range.
pub(crate) struct RangeLink {
    pub(crate) label: &'static str,
    pub(crate) path: String,
    pub(crate) highlighted: bool,
}

/// One figure of the overview.
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    /// Text below the value.
    pub(crate) more: String,
    /// Whether the figure is highlighted.
    pub(crate) highlighted: bool,
}

/// Frequency of a failure reason.
pub(crate) struct ReasonShare {
    pub(crate) reason: StatusBadge,
    pub(crate) path: String,
    pub(crate) events: String,
    /// How many of them are skips for a cooldown that it opened; empty if none are.
    pub(crate) more: String,
    /// Bar length in thousandths of the most frequent reason.
    pub(crate) width: i64,
}

/// A model in cooldown, or with one that has ended.
pub(crate) struct CoolingModel {
    pub(crate) name: String,
    pub(crate) path: String,
    /// Why, or that it has ended.
    pub(crate) reason: StatusBadge,
    /// Remaining time, as text.
    pub(crate) left: String,
}

/// Renders the page.
///
/// # Errors
/// The database cannot be read.
pub async fn read(
    console_user: ConsoleUser<may::Read>,
    request: HttpRequest,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let data = store.organization(&console_user.tenant);
    let mut query = Query::parse(request.query_string());
    let span = TimeRange::read(&mut query, clock.now(), "24h");
    let origin = query.one_of("origin", "Origin", &Origin::COUNTED).unwrap_or_default();
    let counted = span.rollups(Some(origin));
    let counts = data.request_counts(&counted, span.step()).await?;
    let times = data.request_times(&counted).await?;
    let reasons = data.event_reasons(&counted, CLASSES).await?;
    let filter = EventFilter { origin: Some(origin), since: Some(span.since), ..EventFilter::default() };
    let rules = if reasons.iter().any(|(class, _)| *class == ErrorClass::Cooldown) {
        let skips =
            EventFilter { error_class: Some(ErrorClass::Cooldown), until: span.until, ..filter.clone() };
        data.event_rules(&skips, READ_SKIPS).await?
    } else {
        Vec::new()
    };
    let events = data.event_list(&filter, &PageRequest { limit: READ_EVENTS, cursor: None }).await?;
    let total = counts.values().fold(RequestCounts::default(), RequestCounts::and);
    page(&Page {
        frame: Frame::of(&console_user, "Overview", NavigationItem::Overview),
        notes: [
            budget_summary::warnings(&console_user.organization, &gateway.shared_state.spending),
            behind(&gateway),
            query.notes(),
        ]
        .concat(),
        ranges: ranges(&span, &query),
        span: span.name(),
        quiet: total.requests() == 0 && events.items.is_empty(),
        figures: figures(&total, &times),
        chart: chart(&span, |at| counts.get(&at.timestamp()).copied().unwrap_or_default()),
        reasons: shares(&by_cause(reasons, &rules, REASONS), &span, origin),
        cooling: cooling(&console_user.organization, &gateway.shared_state.cooldowns),
        events: EventLine::folded(&events.items).into_iter().take(EVENTS).collect(),
        origin: origin.as_str(),
    })
}

/// Warning while records are not written yet. Their number is not shown, because they may belong to other
/// organizations.
fn behind(gateway: &Gateway) -> Vec<String> {
    const BEHIND: &str = "The database was unavailable or slow, and some records are not written yet. The newest requests and events may be missing here. No record is lost.";
    let waiting = gateway.recorder.watcher().spooled() > 0;
    waiting.then(|| BEHIND.to_owned()).into_iter().collect()
}

pub(crate) fn ranges(span: &TimeRange, query: &Query) -> Vec<RangeLink> {
    let known = [("1h", "Hour"), ("24h", "Day"), ("7d", "Week"), ("30d", "Month")];
    let link = |(word, label): (&str, &'static str)| RangeLink {
        label,
        path: format!("/{}", query.with(&[("range", Some(word)), ("since", None), ("until", None)])),
        highlighted: span.range == word,
    };
    known.map(link).into()
}

pub(crate) fn figures(total: &RequestCounts, times: &RequestTimes) -> Vec<Figure> {
    let answered = total.first_try + total.by_fallback;
    // Requests with a disconnected caller do not count toward the success rate.
    let waited = total.requests() - total.client_closed;
    let figure = |name, value, more| Figure { name, value, more, highlighted: false };
    let time = |percent| times.first_frame.percentile(percent).map_or_else(|| "–".to_owned(), duration);
    let tokens = tokens(total.input_tokens, total.output_tokens);
    let saved = figure(
        "Saved by fallback",
        count(total.by_fallback),
        format!("{} of all requests", share(total.by_fallback, total.requests())),
    );
    vec![
        figure(
            "Requests",
            count(total.requests()),
            format!("{} disconnected early", counted(total.client_closed, "caller", "callers")),
        ),
        figure("Success rate", share(answered, waited), format!("{} failed", count(total.failed))),
        Figure { highlighted: total.by_fallback > 0, ..saved },
        figure("First token, median", time(50), format!("95 % within {}", time(95))),
        figure("Cost", sum(total.cost_nano_dollars, total.unpriced), tokens),
    ]
}

pub(crate) fn chart(span: &TimeRange, counts: impl Fn(DateTime<Utc>) -> RequestCounts) -> Option<Chart> {
    let bar = |at: DateTime<Utc>| {
        let counts = counts(at);
        (at, vec![counts.first_try, counts.by_fallback, counts.failed])
    };
    let buckets: Vec<_> = span.bars().into_iter().map(bar).collect();
    let series = &[("first", "First try"), ("fallback", "By fallback"), ("bad", "Failed")];
    Plan { title: "Requests by how they were answered", series, buckets: &buckets, step: span.step() }.draw()
}

pub(crate) fn shares(causes: &[Cause], span: &TimeRange, origin: Origin) -> Vec<ReasonShare> {
    let most = causes.iter().map(Cause::events).max().unwrap_or(1).max(1);
    let share = |cause: &Cause| {
        let here = Query::default();
        let range = if span.range.is_empty() { "7d" } else { &span.range };
        let word = cause.class.as_str();
        // Without failures of its own in the time range, only the skips can be listed.
        let listed = if cause.own == 0 { ErrorClass::Cooldown.as_str() } else { word };
        let origin = Some(origin.as_str());
        let query = here.with(&[("class", Some(listed)), ("range", Some(range)), ("origin", origin)]);
        let skips = || format!("with {} while cooling down", counted(cause.skips, "skip", "skips"));
        ReasonShare {
            reason: StatusBadge::of_class(word),
            path: format!("/events{query}"),
            events: count(cause.events()),
            more: if cause.skips == 0 { String::new() } else { skips() },
            width: (cause.events() * 1_000 / most).max(4),
        }
    };
    causes.iter().map(share).collect()
}

fn cooling(organization: &OrganizationSnapshot, cooldowns: &Cooldowns) -> Vec<CoolingModel> {
    let mut cooling: Vec<CoolingModel> = Vec::new();
    for model in organization.models.values() {
        let (reason, left) = match cooldowns.state(model) {
            CooldownState::Closed => continue,
            CooldownState::Open(cooldown) => {
                let reason = StatusBadge::of_class(cooldown.failure.class.as_str());
                // A part of a second counts, so that it never says "0 s".
                (reason, format!("for {} s more", cooldown.remaining.as_secs().max(1)))
            }
            CooldownState::HalfOpen(_) => {
                (StatusBadge::of_ended_cooldown(), "tested by the next request".to_owned())
            }
        };
        let path = format!("/models/{}", model.id.0);
        cooling.push(CoolingModel { name: model.name.to_string(), path, reason, left });
    }
    cooling.sort_by(|one, other| one.name.cmp(&other.name));
    cooling
}
