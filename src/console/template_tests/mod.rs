//! Renders every template of the console with sample data, and checks rules that hold for all of them.
//!
//! If `FAILSOFT_SAMPLES` names a folder, the pages are written to it for viewing in a browser.

mod catalog;
mod configure;
mod credentials;
mod parts;
mod rows;
mod wording;

use entity::ids::OrganizationId;
use uuid::Uuid;

use parts::{diagram, parts};
use rows::{counts, event, now, request};

use super::pages::events::unclassified::{MappingLine, sentences};
use super::pages::{events, find, overview, requests};
use crate::console::components::format::counted;
use crate::console::components::layout::{Frame, NavigationItem, Person};
use crate::console::components::pagination::Pagination;
use crate::console::components::status_badge::StatusBadge;
use crate::console::components::time_range::TimeRange;
use crate::console::http::flash::Flash;
use crate::console::http::forms::Problems;
use crate::console::http::query::Query;
use crate::domain::closed_set::Stored;
use crate::domain::origin::Origin;
use crate::domain::permission::Role;
use crate::providers::{SentenceClass, Sentences};
use crate::store::snapshot::{Budgets, OrganizationSnapshot, TypedLists};
use crate::store::{ErrorMappingRow, FallbackEventRow, OrganizationSettings, RequestCounts, RequestTimes};
use askama::Template;

fn frame(title: &str, highlighted: NavigationItem) -> Frame {
    let person = Person {
        email: "ada@acme.test".to_owned(),
        organization: "Acme Rockets".to_owned(),
        role: Role::Owner,
    };
    Frame { highlighted, person: Some(person), ..Frame::public(title) }
}

fn organization() -> OrganizationSnapshot {
    OrganizationSnapshot {
        id: OrganizationId(Uuid::from_u128(1)),
        name: "Acme Rockets".into(),
        version: 1,
        settings: OrganizationSettings::default(),
        keys: Default::default(),
        providers: std::collections::HashMap::new(),
        models: std::collections::HashMap::new(),
        chains: std::collections::HashMap::new(),
        typed_lists: TypedLists::default(),
        budgets: Budgets::default(),
    }
}

fn overview(query: &str) -> overview::Page {
    let mut query = Query::parse(query);
    let span = TimeRange::read(&mut query, now(), "24h");
    let total = span.bars().into_iter().map(counts).fold(RequestCounts::default(), |all, one| all.and(&one));
    let mut times = RequestTimes::default();
    (0..1_000).for_each(|number| times.first_frame.count(300 + number * 2, 1));
    let reasons =
        [("rate_limited", 131), ("overloaded", 64), ("timeout", 22), ("cooldown", 12), ("content_policy", 3)];
    let cooling = |name: &str, reason, left: &str| overview::CoolingModel {
        name: name.to_owned(),
        path: "/models/1".to_owned(),
        reason,
        left: left.to_owned(),
    };
    overview::Page {
        frame: frame("Overview", NavigationItem::Overview),
        notes: query.notes(),
        ranges: overview::ranges(&span, &query),
        span: span.name(),
        quiet: false,
        figures: overview::figures(&total, &times),
        chart: overview::chart(&span, counts),
        reasons: overview::shares(
            &overview::causes::by_cause(
                reasons.map(|(class, events)| (Stored::parse(class), events)).into(),
                &[(Some("cooldown:overloaded".to_owned()), 11)],
                6,
            ),
            &span,
            Origin::Live,
        ),
        cooling: vec![
            cooling("gpt-4o", StatusBadge::of_class("rate_limited"), "for 4 s more"),
            cooling("llama-70b", StatusBadge::of_ended_cooldown(), "tested by the next request"),
        ],
        events: (0..10).map(|number| (&event(number)).into()).collect(),
        origin: Origin::Live.as_str(),
    }
}

fn event_list(query: &str, rows: i64) -> events::list::Page {
    let mut query = Query::parse(query);
    let filters = events::filter::Filters::read(&mut query, OrganizationId(Uuid::from_u128(1)), now());
    let bars = filters.record.span.bars().into_iter().map(|at| (at, vec![counts(at).by_fallback]));
    let buckets: Vec<_> = bars.collect();
    let plan = crate::console::components::diagrams::chart::Plan {
        title: "Fallback events over time",
        series: &[("event", "Events")],
        buckets: &buckets,
        step: filters.record.span.step(),
    };
    let pagination = Pagination {
        says: format!("{}, newest first", counted(rows, "event", "events")),
        newer: None,
        older: Some("/events?older=x".to_owned()),
    };
    events::list::Page {
        frame: frame("Fallback events", NavigationItem::Events),
        notes: query.notes(),
        form: events::filter::FilterForm::of(&filters, &organization()),
        chart: plan.draw().filter(|_| rows > 0),
        lines: crate::console::pages::events::line::EventLine::folded(
            &(0..rows).map(event).collect::<Vec<_>>(),
        ),
        each: Some("/events?fold=no".to_owned()),
        pagination: if rows > 0 { pagination } else { Pagination::default() },
        query: query.with(&[]),
        mark: "0192".to_owned(),
        newest: true,
        narrow: filters.is_narrow(),
    }
}

fn unclassified(rows: i64) -> events::unclassified::Page {
    let row = |number| {
        let message = format!("Prompt of {} tokens is beyond the window", number + 1_000);
        let rule = Some("status:400".to_owned());
        FallbackEventRow { matched_rule: rule, error_message: Some(message), ..event(number) }
    };
    let mapping = |number: i64| ErrorMappingRow {
        id: entity::ids::ErrorMappingId(Uuid::from_u128(number.unsigned_abs().into())),
        provider_id: None,
        status: (number == 0).then_some(400),
        contains: vec!["prompt of".to_owned(), "tokens is beyond the window".to_owned()],
        class: Some("context_window_exceeded".to_owned()),
        scope: None,
        created_by: None,
        created_at: now(),
    };
    let mappings = (0..rows).map(|number| MappingLine::of(&mapping(number), &organization())).collect();
    let rows: Vec<FallbackEventRow> = (0..rows).map(row).collect();
    events::unclassified::Page {
        frame: frame("Unclassified failures", NavigationItem::Events),
        problems: Problems::default(),
        may_configure: true,
        classes: SentenceClass::ALL,
        sentences: sentences(&rows, &organization(), &Sentences::default(), now()),
        mappings,
    }
}

fn request_list(query: &str, rows: i64) -> requests::list::Page {
    let mut query = Query::parse(query);
    let filters = requests::filter::Filters::read(&mut query, OrganizationId(Uuid::from_u128(1)), now());
    requests::list::Page {
        frame: frame("Requests", NavigationItem::Requests),
        notes: query.notes(),
        form: requests::filter::FilterForm::of(&filters, &organization()),
        lines: (0..rows).map(|number| (&request(number)).into()).collect(),
        pagination: Pagination {
            says: format!("{}, newest first", counted(rows, "request", "requests")),
            newer: Some("/requests?newer=x".to_owned()),
            older: None,
        },
        query: query.with(&[]),
        narrow: filters.is_narrow(),
    }
}

fn search(typed: &str, found: usize) -> find::Page {
    let found = (0..found).map(|number| find::Match {
        kind: "Model",
        name: format!("gpt-{number}"),
        path: format!("/models/{number}"),
    });
    find::Page::of(frame("Find", NavigationItem::None), typed.to_owned(), found.collect())
}

/// Every sample page by name.
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
            frame("Fallback event", NavigationItem::Events),
            &event(number),
            with.then_some(&row),
            &organization,
        )
    };
    let rows: Vec<FallbackEventRow> = [2, 1, 0].map(event).into();
    let whole = |number| {
        requests::read::Page::of(frame("Request", NavigationItem::Requests), &request(number), &rows)
    };
    let own = vec![
        ("overview", html(overview("").render())),
        ("overview-quiet", html(flashed.render())),
        ("events", html(event_list("range=24h", 14).render())),
        ("events-note", html(event_list("range=24h&class=nonsense&session=checkout-7", 0).render())),
        ("events-empty", html(event_list("", 0).render())),
        ("events-unclassified", html(unclassified(3).render())),
        ("events-classified", html(unclassified(0).render())),
        ("event", html(read(0, true).render())),
        ("event-early", html(read(5, false).render())),
        ("requests", html(request_list("", 14).render())),
        ("requests-empty", html(request_list("origin=drill", 0).render())),
        ("request", html(whole(0).render())),
        ("find", html(search("gpt", 2).render())),
        ("find-nothing", html(search("<b>", 0).render())),
        ("request-failed", html(whole(5).render())),
        ("parts", html(parts(frame("Invite somebody", NavigationItem::Members), Some(diagram())).render())),
        ("outside", html(parts(Frame::public("Log in"), None).render())),
    ];
    [own, configure::samples(), catalog::samples(), credentials::samples()].concat()
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
    let page = events::read::Page::of(frame("<i>", NavigationItem::Events), &row, None, &organization());
    let html = page.render().expect("a page");
    for markup in ["<b>", "<html><head>", "<script>", "<i>"] {
        assert!(!html.contains(markup), "{markup}");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "it is a switch of this test, and no setting of the program")]
fn the_samples_can_be_looked_at() {
    let Some(folder) = std::env::var_os("FAILSOFT_SAMPLES") else { return };
    let folder = std::path::PathBuf::from(folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    for (name, html) in samples() {
        let html = html.replace(crate::console::http::assets::path("console.css"), "console.css");
        let html = html.replace(crate::console::http::assets::path("console.js"), "console.js");
        std::fs::write(folder.join(format!("{name}.html")), html).expect("a file");
    }
}
