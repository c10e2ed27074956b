//! `GET /events`: the fallback events with filters and a chart.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::LIST;
use super::filter::{FilterForm, Filters};
use super::line::EventLine;
use crate::auth::console::console_user::{ConsoleUser, may};
use crate::console::components::diagrams::chart::{Chart, Plan};
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::pagination::{Pagination, ROWS, direction, pagination};
use crate::console::http::query::Query;
use crate::console::http::responses::page;
use crate::domain::clock::Clock;
use crate::domain::error::Result;
use crate::store::{OrgStore, Store};

#[derive(Template)]
#[template(path = "events/list.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) notes: Vec<String>,
    pub(crate) form: FilterForm,
    /// `None` if the filters are too fine for the roll-ups, or nothing was counted.
    pub(crate) chart: Option<Chart>,
    pub(crate) lines: Vec<EventLine>,
    /// Path of the list with each of the equal skips; `None` if there are no equal ones in a row.
    pub(crate) each: Option<String>,
    pub(crate) pagination: Pagination,
    /// Query string for `/events.csv` and `/events/live`.
    pub(crate) query: String,
    /// The time of rendering as an id; rows with a greater id are new.
    pub(crate) mark: String,
    /// Whether new rows belong at the top of this page.
    pub(crate) newest: bool,
    /// Whether any filter is set that can be cleared.
    pub(crate) narrow: bool,
}

/// Renders the page.
///
/// # Errors
/// The database cannot be read.
pub async fn list(
    console_user: ConsoleUser<may::Read>,
    request: HttpRequest,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
) -> Result<HttpResponse> {
    let data = store.organization(&console_user.tenant);
    let mut query = Query::parse(request.query_string());
    let filters = Filters::read(&mut query, data.organization_id(), clock.now());
    let direction = direction(&mut query, &data, LIST);
    let rows_page = data.event_page(&filters.rows(), direction, ROWS).await?;
    let folds = query.word("fold", "Fold", &["no"]).is_none();
    let lines = if folds {
        EventLine::folded(&rows_page.items)
    } else {
        rows_page.items.iter().map(EventLine::from).collect()
    };
    let is_folded = lines.len() < rows_page.items.len();
    page(&Page {
        frame: Frame::of(&console_user, "Fallback events", NavigationItem::Events),
        notes: query.notes(),
        form: FilterForm::of(&filters, &console_user.organization),
        chart: chart(&data, &filters).await?,
        lines,
        each: is_folded.then(|| format!("/events{}", query.with(&[("fold", Some("no"))]))),
        pagination: pagination(&rows_page, &query, &data, LIST, "/events", ("event", "events")),
        query: query.with(&[("newer", None), ("older", None)]),
        mark: clock.new_id().to_string(),
        newest: rows_page.newer.is_none() && filters.record.span.until.is_none(),
        narrow: filters.is_narrow(),
    })
}

/// Events over time, if the roll-ups support the filters.
async fn chart(data: &OrgStore, filters: &Filters) -> Result<Option<Chart>> {
    let Some(counted) = filters.counted() else { return Ok(None) };
    let (span, step) = (&filters.record.span, filters.record.span.step());
    let counts = data.event_counts(&span.rollups(Some(filters.record.origin)), &counted, step).await?;
    let bar =
        |at: chrono::DateTime<chrono::Utc>| (at, vec![counts.get(&at.timestamp()).copied().unwrap_or(0)]);
    let buckets: Vec<_> = span.bars().into_iter().map(bar).collect();
    let series = &[("event", "Events")];
    Ok(Plan { title: "Fallback events over time", series, buckets: &buckets, step }.draw())
}
