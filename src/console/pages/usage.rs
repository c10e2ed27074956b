//! `GET /usage` and `GET /usage.csv`. All numbers come from the roll-ups, never from individual rows.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::auth::console::console_user::{ConsoleUser, may};
use crate::console::components::diagrams::chart::{Chart, Plan};
use crate::console::components::format::{Decimals, count};
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::time_range::Choice;
use crate::console::http::csv::csv_file;
use crate::console::http::query::Query;
use crate::console::http::responses::page;
use crate::domain::clock::Clock;
use crate::domain::error::Result;
use crate::domain::origin::Origin;
use crate::domain::period::Period;
use crate::http::listings::usage::UsageResponse;
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{Store, UsageBy, UsageFilter, UsagePlace, UsageRow};

/// Maximum number of rows on the page; the file has all.
const ROWS: u64 = 200;
/// Time ranges: query value, label, days.
const RANGES: &[(&str, &str, i64)] =
    &[("7d", "Last 7 days", 7), ("30d", "Last 30 days", 30), ("90d", "Last 90 days", 90)];

#[derive(Template)]
#[template(path = "usage/list.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) notes: Vec<String>,
    pub(crate) filter: Filter,
    pub(crate) ranges: Vec<Choice>,
    pub(crate) ways: Vec<Choice>,
    pub(crate) origins: Vec<Choice>,
    pub(crate) chart: Option<Chart>,
    pub(crate) lines: Vec<Line>,
    pub(crate) total: Option<Line>,
    /// Whether there are more rows than shown.
    pub(crate) cut: bool,
    pub(crate) query: String,
}

/// The filters, parsed and validated.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) range: String,
    pub(crate) by: String,
    pub(crate) origin: Origin,
    since: DateTime<Utc>,
}

/// One row of the table.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) requests: String,
    pub(crate) by_fallback: String,
    pub(crate) failed: String,
    pub(crate) input: String,
    pub(crate) output: String,
    pub(crate) cost: String,
}

impl Filter {
    pub(crate) fn read(query: &mut Query, now: DateTime<Utc>) -> Self {
        let words: Vec<&str> = RANGES.iter().map(|(word, _, _)| *word).collect();
        let range = query.word("range", "Time", &words).unwrap_or_else(|| "30d".to_owned());
        let days = RANGES.iter().find(|(word, _, _)| *word == range).map_or(30, |(_, _, days)| *days);
        let by = query.word("by", "By", &["day", "model", "key"]).unwrap_or_else(|| "day".to_owned());
        let origin = query.one_of("origin", "Origin", &Origin::COUNTED).unwrap_or_default();
        Self { range, by, origin, since: Period::Day.start(now) - TimeDelta::days(days - 1) }
    }

    fn usage(&self, by: UsageBy) -> UsageFilter {
        UsageFilter {
            by: vec![by],
            since: Some(self.since),
            origin: Some(self.origin),
            ..UsageFilter::default()
        }
    }

    fn way(&self) -> UsageBy {
        UsageBy::parse(&self.by).unwrap_or(UsageBy::Day)
    }
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
    let filter = Filter::read(&mut query, clock.now());
    let days = data.usage(&filter.usage(UsageBy::Day), None, ROWS).await?;
    let rows = match filter.way() {
        UsageBy::Day => days.clone(),
        by => data.usage(&filter.usage(by), None, ROWS + 1).await?,
    };
    let names = key_names(&console_user.organization);
    let frame = Frame::of(&console_user, "Usage", NavigationItem::Usage);
    page(&Page::of(frame, &query, filter, (&days, &rows), &names, clock.now()))
}

/// Streams the file: a row for each day, model and key.
///
/// # Errors
/// The first rows cannot be read.
pub async fn file(
    console_user: ConsoleUser<may::Read>,
    request: HttpRequest,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
) -> Result<HttpResponse> {
    let data = store.organization(&console_user.tenant);
    let filter = Filter::read(&mut Query::parse(request.query_string()), clock.now());
    let by = vec![UsageBy::Day, UsageBy::Model, UsageBy::Key];
    let filter = UsageFilter { by, ..filter.usage(UsageBy::Day) };
    let read = async move |after: Option<UsagePlace>, limit| data.usage(&filter, after.as_ref(), limit).await;
    csv_file::<_, UsageResponse, _>(read).await
}

/// Names of active keys, by id.
fn key_names(organization: &OrganizationSnapshot) -> BTreeMap<Uuid, String> {
    organization.keys.values().map(|key| (key.id.0, key.name.to_string())).collect()
}

impl Page {
    pub(crate) fn of(
        frame: Frame,
        query: &Query,
        filter: Filter,
        (days, rows): (&[UsageRow], &[UsageRow]),
        names: &BTreeMap<Uuid, String>,
        now: DateTime<Utc>,
    ) -> Self {
        let shown = usize::try_from(ROWS).unwrap_or(usize::MAX);
        let decimals = Decimals::of(rows.iter().take(shown).map(|row| row.cost_nano_dollars));
        let choices =
            |list: &[(&str, &str)]| list.iter().map(|(word, label)| Choice::new(word, label)).collect();
        Self {
            frame,
            notes: query.notes(),
            ranges: RANGES.iter().map(|(word, label, _)| Choice::new(word, label)).collect(),
            ways: choices(&[("day", "Day"), ("model", "Model that answered"), ("key", "Key")]),
            origins: [(Origin::Live, "Live"), (Origin::Demo, "Demo")]
                .map(|(origin, label)| Choice::new(origin.as_str(), label))
                .into(),
            chart: chart(&filter, days, now),
            lines: rows
                .iter()
                .take(shown)
                .map(|row| Line::of(name(row, filter.way(), names), row, decimals))
                .collect(),
            total: total(days, decimals),
            cut: rows.len() > shown,
            query: query.with(&[]),
            filter,
        }
    }
}

impl Line {
    fn of(name: String, row: &UsageRow, decimals: Decimals) -> Self {
        let about = if row.estimated > 0 { "~" } else { "" };
        Self {
            name,
            requests: count(row.requests),
            by_fallback: count(row.by_fallback),
            failed: count(row.requests - row.answered),
            input: format!("{about}{}", count(row.input_tokens)),
            output: format!("{about}{}", count(row.output_tokens)),
            cost: decimals.sum(row.cost_nano_dollars, row.unpriced),
        }
    }
}

fn name(row: &UsageRow, by: UsageBy, names: &BTreeMap<Uuid, String>) -> String {
    match by {
        UsageBy::Day => row.day().map(|day| day.to_string()).unwrap_or_default(),
        UsageBy::Model => row.model().unwrap_or("(no answer)").to_owned(),
        UsageBy::Key | UsageBy::Session => match row.api_key_id() {
            None => "console users".to_owned(),
            Some(id) => names.get(&id).cloned().unwrap_or_else(|| format!("revoked key {id}")),
        },
    }
}

fn total(days: &[UsageRow], decimals: Decimals) -> Option<Line> {
    let (first, rest) = days.split_first()?;
    let mut all = first.clone();
    for row in rest {
        all.requests += row.requests;
        all.answered += row.answered;
        all.by_fallback += row.by_fallback;
        all.input_tokens += row.input_tokens;
        all.output_tokens += row.output_tokens;
        all.cost_nano_dollars += row.cost_nano_dollars;
        all.unpriced += row.unpriced;
        all.estimated += row.estimated;
    }
    Some(Line::of("All".to_owned(), &all, decimals))
}

fn chart(filter: &Filter, days: &[UsageRow], now: DateTime<Utc>) -> Option<Chart> {
    let known: BTreeMap<_, _> = days.iter().filter_map(|row| Some((row.day()?, row))).collect();
    let mut buckets = Vec::new();
    let mut day = filter.since;
    while day <= now {
        let row = known.get(&day.date_naive());
        let counts = row.map_or([0, 0, 0], |row| {
            [row.answered - row.by_fallback, row.by_fallback, row.requests - row.answered]
        });
        buckets.push((day.date_naive().and_time(NaiveTime::MIN).and_utc(), counts.to_vec()));
        day += TimeDelta::days(1);
    }
    let series = &[("first", "First try"), ("fallback", "By fallback"), ("bad", "Not answered")];
    Plan { title: "Requests by day", series, buckets: &buckets, step: 86_400 }.draw()
}
