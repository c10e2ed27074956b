//! `GET /audit`: who changed what, newest first.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::LIST;
use super::line::{AuditLine, KINDS};
use crate::auth::console::console_user::{Visitor, may};
use crate::console::components::layout::{Frame, Lit};
use crate::console::components::pager::Pager;
use crate::console::components::pagination::{ROWS, pager, turn};
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
    pub(crate) pager: Pager,
}

impl Page {
    /// Whether filters are in force that could be taken away.
    pub(crate) fn is_narrow(&self) -> bool {
        [&self.actor, &self.kind, &self.thing].iter().any(|text| !text.is_empty())
    }
}

pub(crate) fn kinds() -> Vec<Choice> {
    let kinds = KINDS.iter().map(|(word, label)| Choice::new(word, label));
    [Choice::new("", "Anything")].into_iter().chain(kinds).collect()
}

/// The page.
///
/// # Errors
/// The database cannot be read.
pub async fn list(
    visitor: Visitor<may::ReadAudit>,
    request: HttpRequest,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let data = store.organization(&visitor.tenant);
    let mut query = Query::parse(request.query_string());
    let words: Vec<&str> = KINDS.iter().map(|(word, _)| *word).collect();
    let filter = AuditFilter {
        actor: query.text("actor"),
        resource_kind: query.word("kind", "What", &words),
        resource_name: query.text("name"),
    };
    let turn = turn(&mut query, &data, LIST);
    let sheet = data.audit_sheet(&filter, turn, ROWS).await?;
    page(&Page {
        frame: Frame::of(&visitor, "Audit", Lit::Audit),
        notes: query.notes(),
        kinds: kinds(),
        lines: sheet.items.iter().map(AuditLine::from).collect(),
        pager: pager(&sheet, &query, &data, LIST, "/audit", ("change", "changes")),
        actor: filter.actor.unwrap_or_default(),
        kind: filter.resource_kind.unwrap_or_default(),
        thing: filter.resource_name.unwrap_or_default(),
    })
}
