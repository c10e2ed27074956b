//! `GET /audit`: who changed what, newest first.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::LIST;
use super::line::{AuditLine, KINDS};
use crate::auth::console::console_user::{ConsoleUser, may};
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::pagination::{Pagination, ROWS, direction, pagination};
use crate::console::components::time_range::Choice;
use crate::console::http::query::Query;
use crate::console::http::responses::page;
use crate::domain::error::Result;
use crate::store::{AuditFilter, Store};

#[derive(Template)]
#[template(path = "audit/list.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) notes: Vec<String>,
    pub(crate) kinds: Vec<Choice>,
    pub(crate) actor: String,
    pub(crate) kind: String,
    pub(crate) thing: String,
    pub(crate) lines: Vec<AuditLine>,
    pub(crate) pagination: Pagination,
}

impl Page {
    /// Whether any filter is set that can be cleared.
    pub(crate) fn is_narrow(&self) -> bool {
        [&self.actor, &self.kind, &self.thing].iter().any(|text| !text.is_empty())
    }
}

pub(crate) fn kinds() -> Vec<Choice> {
    let kinds = KINDS.iter().map(|(word, label)| Choice::new(word, label));
    [Choice::new("", "Anything")].into_iter().chain(kinds).collect()
}

/// Renders the page.
///
/// # Errors
/// The database cannot be read.
pub async fn list(
    console_user: ConsoleUser<may::ReadAudit>,
    request: HttpRequest,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let data = store.organization(&console_user.tenant);
    let mut query = Query::parse(request.query_string());
    let words: Vec<&str> = KINDS.iter().map(|(word, _)| *word).collect();
    let filter = AuditFilter {
        actor: query.text("actor"),
        resource_kind: query.word("kind", "What", &words),
        resource_name: query.text("name"),
    };
    let direction = direction(&mut query, &data, LIST);
    let rows_page = data.audit_page(&filter, direction, ROWS).await?;
    page(&Page {
        frame: Frame::of(&console_user, "Audit", NavigationItem::Audit),
        notes: query.notes(),
        kinds: kinds(),
        lines: rows_page.items.iter().map(AuditLine::from).collect(),
        pagination: pagination(&rows_page, &query, &data, LIST, "/audit", ("change", "changes")),
        actor: filter.actor.unwrap_or_default(),
        kind: filter.resource_kind.unwrap_or_default(),
        thing: filter.resource_name.unwrap_or_default(),
    })
}
