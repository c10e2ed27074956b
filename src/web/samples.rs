//! Every template of the console rendered with a sample, and what holds for all of them.
//!
//! With `FAILSOFT_SAMPLES` set to a folder, the pages are left there for a browser to look at.

use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::{FallbackEventId, OrganizationId, RequestId};
use serde_json::json;
use uuid::Uuid;

use super::flash::Flash;
use super::layout::{Frame, Lit, Person};
use super::pager::Pager;
use super::pages::{events, overview, requests};
use super::query::Query;
use super::rail::{Rail, Station, StationKind};
use super::span::Span;
use crate::auth::permission::Role;
use crate::store::snapshot::{OrganizationSnapshot, TypedLists};
use crate::store::{EventRow, OrganizationSettings, RequestCounts, RequestRow, RequestTimes};
use askama::Template;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_795_184_168_123).expect("a time")
}

fn frame(title: &str, lit: Lit) -> Frame {
    let person = Person { email: "ada@acme.test".to_owned(), organization: "Acme Rockets".to_owned(), role: Role::Owner };
    Frame { lit, person: Some(person), ..Frame::public(title) }
}

fn organization() -> OrganizationSnapshot {
    OrganizationSnapshot {
        id: OrganizationId(Uuid::from_u128(1)),
        name: "Acme Rockets".into(),
        version: 1,
        settings: OrganizationSettings::default(),
        keys: std::collections::HashMap::new(),
        models: std::collections::HashMap::new(),
        chains: std::collections::HashMap::new(),
        typed_lists: TypedLists::default(),
    }
}

/// What can happen to a model: model, next, class, status, milliseconds, message.
type Mishap = (&'static str, Option<&'static str>, &'static str, Option<i32>, i64, &'static str);

const MISHAPS: &[Mishap] = &[
    (
        "gpt-4o",
        Some("claude-sonnet"),
        "rate_limited",
        Some(429),
        412,
        "Rate limit reached for requests per minute. Please try again in 1s.",
    ),
    ("claude-sonnet", Some("llama-70b"), "overloaded", Some(529), 180, "Overloaded"),
    ("gpt-4o", Some("claude-sonnet"), "timeout", None, 20_000, "the first token took too long"),
    (
        "gpt-4o",
        Some("claude-sonnet"),
        "cooldown",
        None,
        0,
        "The model 'gpt-4o' was not called: it has been failing and is left alone for a while (rate_limited; 4 s left).",
    ),
    (
        "mixtral-8x7b",
        Some("gpt-4o-long"),
        "context_window_exceeded",
        Some(400),
        96,
        "This model's maximum context length is 32768 tokens. However, your messages resulted in 41002 tokens.",
    ),
    (
        "gpt-4o",
        None,
        "quota_exhausted",
        Some(429),
        70,
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    (
        "llama-70b",
        Some("gpt-4o"),
        "unavailable",
        Some(502),
        1_204,
        "<html><head><title>502 Bad Gateway</title></head>",
    ),
    (
        "gpt-4o",
        Some("claude-sonnet"),
        "content_policy",
        Some(400),
        388,
        "The response was filtered due to the prompt triggering content management policy.",
    ),
];

fn event(number: i64) -> EventRow {
    let index = usize::try_from(number).unwrap_or(0) % MISHAPS.len();
    let (model, next, class, status, took, message) = MISHAPS[index];
    let at = now() - TimeDelta::milliseconds(number * number * 8_317 + number * 1_204);
    EventRow {
        id: FallbackEventId(Uuid::from_u128(
            0x0198_0000_7000_8000_0000_0000_0000_0000 + number.unsigned_abs() as u128,
        )),
        organization_id: OrganizationId(Uuid::from_u128(1)),
        request_id: RequestId(Uuid::from_u128(77)),
        failed_model: model.to_owned(),
        next_model: next.map(str::to_owned),
        error_class: class.to_owned(),
        error_message: Some(message.to_owned()),
        invocation_type: "chat_completion_stream".to_owned(),
        router_config_id: Some(Uuid::from_u128(3)),
        router_config_revision: Some(4),
        session_id: Some(Uuid::from_u128(4)),
        session_ref: Some("checkout-7".to_owned()),
        hop: 1,
        attempts: i32::from(class != "cooldown"),
        status_code: status,
        matched_rule: Some("code:rate_limit_exceeded".to_owned()),
        duration_ms: took,
        origin: if index == 6 { "drill" } else { "live" }.to_owned(),
        created_at: at,
        recorded_at: at,
    }
}

fn request(number: i64) -> RequestRow {
    let (by_fallback, failed) = (number % 3 == 0, number % 7 == 5);
    let attempts = json!([
        {"model": "gpt-4o", "provider": "openai", "status": 429, "error_class": "rate_limited", "duration_ms": 412},
        {"model": "gpt-4o-mini", "provider": "openai", "error_class": "cooldown", "passed_over": true},
        {"model": "llama-70b", "provider": "groq", "status": 503, "error_class": "overloaded", "duration_ms": 240},
        {"model": "claude-sonnet", "provider": "anthropic", "duration_ms": 640, "adapted": ["max_tokens set to 4096"]},
    ]);
    let at = now() - TimeDelta::seconds(number * 41);
    RequestRow {
        id: RequestId(Uuid::from_u128(
            0x0198_0000_7000_8000_0000_0000_0000_0000 + number.unsigned_abs() as u128,
        )),
        organization_id: OrganizationId(Uuid::from_u128(1)),
        api_key_id: Some(Uuid::from_u128(5)),
        api_key_name: Some(if number % 2 == 0 { "production" } else { "batch jobs" }.to_owned()),
        requested_model: "gpt-4o".to_owned(),
        served_model: (!failed).then(|| if by_fallback { "claude-sonnet" } else { "gpt-4o" }.to_owned()),
        served_provider: Some("anthropic".to_owned()),
        outcome: if failed { "failed" } else { "answered" }.to_owned(),
        error_class: failed.then(|| "overloaded".to_owned()),
        status_code: if failed { 503 } else { 200 },
        endpoint: "/v1/chat/completions".to_owned(),
        invocation_type: "chat_completion_stream".to_owned(),
        streamed: true,
        input_tokens: Some(1_842 + number * 17),
        output_tokens: Some(212 + number * 5),
        cached_tokens: Some(1_024),
        reasoning_tokens: None,
        cost_nano_dollars: Some(8_706_000 + number * 13_000),
        model_price_id: None,
        estimated: number % 4 == 1,
        first_frame_ms: (!failed).then_some(1_292 - number * 3),
        total_ms: 3_184 + number * 11,
        upstream_calls: 3,
        hops: if by_fallback { 3 } else { 0 },
        attempts,
        session_id: None,
        session_ref: Some("checkout-7".to_owned()),
        client_retry_count: Some(0),
        origin: "live".to_owned(),
        created_at: at,
        recorded_at: at,
    }
}

fn counts(at: DateTime<Utc>) -> RequestCounts {
    let wave = (at.timestamp() / 1_800) % 17;
    let first_try = 40 + wave * wave / 3;
    let trouble = if (9..12).contains(&wave) { 22 } else { wave % 4 };
    RequestCounts {
        first_try,
        by_fallback: trouble,
        failed: i64::from(wave == 10) * 3,
        client_closed: 1,
        input_tokens: first_try * 1_840,
        output_tokens: first_try * 240,
        cost_nano_dollars: first_try * 8_700_000,
    }
}

fn overview(query: &str) -> overview::read::Page {
    let mut query = Query::parse(query);
    let span = Span::read(&mut query, now(), "24h");
    let total = span.bars().into_iter().map(counts).fold(RequestCounts::default(), |all, one| all.and(&one));
    let mut times = RequestTimes::default();
    (0..1_000).for_each(|number| times.first_frame.count(300 + number * 2, 1));
    let reasons =
        [("rate_limited", 131), ("overloaded", 64), ("timeout", 22), ("cooldown", 12), ("content_policy", 3)];
    let cooling = |name: &str, class: &str, left: &str| overview::read::CoolingModel {
        name: name.to_owned(),
        path: "/models/1".to_owned(),
        reason: super::mark::Mark::of_class(class),
        left: left.to_owned(),
    };
    overview::read::Page {
        frame: frame("Overview", Lit::Overview),
        notes: query.notes(),
        ranges: overview::read::ranges(&span, &query),
        span: span.name(),
        quiet: false,
        figures: overview::read::figures(&total, &times),
        chart: overview::read::chart(&span, counts),
        reasons: overview::read::shares(
            &reasons.map(|(class, events)| (class.to_owned(), events)),
            &span,
            "live",
        ),
        cooling: vec![
            cooling("gpt-4o", "rate_limited", "for 4 s more"),
            cooling("llama-70b", "unavailable", "tried with the next request"),
        ],
        events: (0..10).map(|number| (&event(number)).into()).collect(),
        origin: "live".to_owned(),
    }
}

fn event_list(query: &str, rows: i64) -> events::list::Page {
    let mut query = Query::parse(query);
    let filters = events::filter::Filters::read(&mut query, OrganizationId(Uuid::from_u128(1)), now());
    let bars = filters.span.bars().into_iter().map(|at| (at, vec![counts(at).by_fallback]));
    let buckets: Vec<_> = bars.collect();
    let plan = super::chart::Plan {
        title: "Fallback events over time",
        series: &[("event", "Events")],
        buckets: &buckets,
        step: filters.span.step(),
    };
    let pager = Pager {
        says: format!("{rows} events, newest first"),
        newer: None,
        older: Some("/events?older=x".to_owned()),
    };
    events::list::Page {
        frame: frame("Fallback events", Lit::Events),
        notes: query.notes(),
        form: events::filter::FilterForm::of(&filters, &organization()),
        chart: plan.draw().filter(|_| rows > 0),
        lines: (0..rows).map(|number| (&event(number)).into()).collect(),
        pager: if rows > 0 { pager } else { Pager::default() },
        query: query.with(&[]),
        newest: true,
        narrow: filters.is_narrow(),
    }
}

fn request_list(query: &str, rows: i64) -> requests::list::Page {
    let mut query = Query::parse(query);
    let filters = requests::filter::Filters::read(&mut query, OrganizationId(Uuid::from_u128(1)), now());
    requests::list::Page {
        frame: frame("Requests", Lit::Requests),
        notes: query.notes(),
        form: requests::filter::FilterForm::of(&filters, &organization()),
        lines: (0..rows).map(|number| (&request(number)).into()).collect(),
        pager: Pager {
            says: format!("{rows} requests, newest first"),
            newer: Some("/requests?newer=x".to_owned()),
            older: None,
        },
        query: query.with(&[]),
        narrow: filters.is_narrow(),
    }
}

/// Every page by name.
fn samples() -> Vec<(&'static str, String)> {
    let html = |page: Result<String, askama::Error>| page.expect("a page");
    let mut flashed = overview("");
    flashed.frame.flash = Some(Flash { text: "The fallback of gpt-4o is in force.".to_owned() });
    flashed.frame.plain_http = true;
    flashed.quiet = true;
    let organization = organization();
    let read = |number, with: bool| {
        let row = request(0);
        events::read::Page::of(
            frame("Fallback event", Lit::Events),
            &event(number),
            with.then_some(&row),
            &organization,
        )
    };
    let rows: Vec<EventRow> = [2, 1, 0].map(event).into();
    let whole = |number| requests::read::Page::of(frame("Request", Lit::Requests), &request(number), &rows);
    vec![
        ("overview", html(overview("").render())),
        ("overview-quiet", html(flashed.render())),
        ("events", html(event_list("range=24h", 14).render())),
        ("events-note", html(event_list("range=24h&class=nonsense&session=checkout-7", 0).render())),
        ("events-empty", html(event_list("", 0).render())),
        ("event", html(read(0, true).render())),
        ("event-early", html(read(5, false).render())),
        ("requests", html(request_list("", 14).render())),
        ("requests-empty", html(request_list("origin=drill", 0).render())),
        ("request", html(whole(0).render())),
        ("request-failed", html(whole(5).render())),
        ("parts", html(parts(frame("Invite somebody", Lit::Members), Some(rail())).render())),
        ("outside", html(parts(Frame::public("Log in"), None).render())),
    ]
}

/// The parts that the pages so far do not show.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"{% extends "layout.html" %}
{% import "parts/form.html" as form %}{% import "parts/code.html" as codes %}{% import "parts/rail.html" as rails %}{% import "parts/empty.html" as empties %}
{% block content %}
<header class="title"><div><h1>{{ frame.title }}</h1><p>Whoever has the link joins, until it is used or seven days are over.</p></div></header>
{% call form::summary(problems) %}{% endcall %}
<form class="form" method="post">{% call form::token(frame) %}{% endcall %}
{% call form::field(problems, "email", "E-mail", "email", "ada@acme", "username", "The link is bound to this address.") %}{% endcall %}
{% call form::field(problems, "name", "Name", "text", "Ada", "name", "") %}{% endcall %}
<p class="check"><input id="all" name="all" type="checkbox" checked><label for="all">May use every model</label></p>
<div class="actions"><button class="button primary" type="submit">Invite</button><a class="button quiet" href="/members">Cancel</a><button class="button danger" type="button">Remove</button></div></form>
{% if let Some(rail) = rail.as_ref() %}<section class="card pad"><h2 class="said">Rail</h2>{% call rails::rail(rail) %}{% endcall %}</section>
<section class="card"><h2>Order</h2><reorder-list><ol class="order">{% for name in ["claude-sonnet", "llama-70b", "gpt-4o-mini"] %}<li data-name="{{ name }}"><span class="place">{{ loop.index }}</span><span class="model grow">{{ name }}</span><input type="hidden" name="fallback" value="{{ name }}"><button class="button small" type="submit" name="move" value="up:{{ loop.index }}" aria-label="Move {{ name }} up">↑</button><button class="button small" type="submit" name="move" value="down:{{ loop.index }}" aria-label="Move {{ name }} down">↓</button></li>{% endfor %}</ol></reorder-list></section>
{% call codes::code("The key, shown this once", "fsk_0123456789abcdef0123456789abcdef0123") %}{% endcall %}
<section class="card">{% call empties::empty("No keys yet", "A program calls with a key. What it may do is said by its scopes.", "/keys/new", "Create a key") %}{% endcall %}</section>{% endif %}
{% endblock %}"#
)]
struct Parts {
    frame: Frame,
    problems: Vec<(String, String)>,
    rail: Option<Rail>,
}

fn parts(frame: Frame, rail: Option<Rail>) -> Parts {
    let problem = "This is no e-mail address: the part after the @ has no dot.";
    Parts { frame, problems: vec![("email".to_owned(), problem.to_owned())], rail }
}

fn rail() -> Rail {
    let kinds = [
        (StationKind::Asked, "Request"),
        (StationKind::Failed, "gpt-4o"),
        (StationKind::PassedOver, "gpt-4o-mini"),
        (StationKind::Interrupted, "llama-70b"),
        (StationKind::Answered, "claude-sonnet"),
        (StationKind::Waiting, "mixtral-8x7b"),
        (StationKind::Nobody, "Nobody left"),
    ];
    let stations = kinds.map(|(kind, name)| Station { reason: kind.word().to_owned(), ..Station::new(kind, name) });
    Rail { label: "Every kind of station".to_owned(), stations: stations.into() }
}

/// The values of an attribute, in order.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    html.split(start.as_str()).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn every_page_keeps_the_rules_of_the_house() {
    for (name, html) in samples() {
        assert!(attributes(&html, "style").is_empty(), "{name}: the policy allows no inline style");
        assert!(!html.contains("<style") && !html.contains("<script>"), "{name}: nothing inline");
        assert!(!html.contains(" onclick"), "{name}: nothing inline");
        assert_eq!(html.matches("<h1").count(), 1, "{name}: one main heading");
        assert_eq!(html.matches("<main").count(), 1, "{name}");
        assert_eq!(
            html.matches("<table").count(),
            html.matches("<caption").count(),
            "{name}: a table has a caption"
        );
        assert_eq!(
            html.matches("<th ").count(),
            attributes(&html, "scope").len(),
            "{name}: a heading has its scope"
        );
        let mut ids = attributes(&html, "id");
        ids.sort_unstable();
        let number = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), number, "{name}: an id stands for one thing");
        for reference in ["for", "aria-labelledby", "into", "popovertarget"] {
            for id in attributes(&html, reference).iter().flat_map(|ids| ids.split(' ')) {
                assert!(ids.contains(&id), "{name}: {reference}={id} leads nowhere");
            }
        }
        assert!(!html.contains("{{") && !html.contains("{%"), "{name}: all of the template is rendered");
    }
}

#[test]
fn what_strangers_said_is_text_and_never_markup() {
    let mut row = event(6);
    row.failed_model = "<b>model".to_owned();
    row.session_ref = Some("\"><script>".to_owned());
    let page = events::read::Page::of(frame("<i>", Lit::Events), &row, None, &organization());
    let html = page.render().expect("a page");
    for markup in ["<b>", "<html><head>", "<script>", "<i>"] {
        assert!(!html.contains(markup), "{markup}");
    }
}

#[test]
fn the_samples_can_be_looked_at() {
    let Some(folder) = std::env::var_os("FAILSOFT_SAMPLES") else { return };
    let folder = std::path::PathBuf::from(folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    for (name, html) in samples() {
        let html = html.replace(super::assets::path("console.css"), "console.css");
        let html = html.replace(super::assets::path("console.js"), "console.js");
        std::fs::write(folder.join(format!("{name}.html")), html).expect("a file");
    }
}
