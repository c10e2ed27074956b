//! `GET /requests`: all traffic, newest first.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::LIST;
use super::filter::{FilterForm, Filters};
use super::line::RequestLine;
use crate::auth::console::console_user::{Visitor, may};
use crate::console::components::layout::{Frame, Lit};
use crate::console::components::pager::Pager;
use crate::console::components::pagination::{ROWS, pager, turn};
use crate::console::http::query::Query;
use crate::console::http::responses::page;
use crate::domain::clock::Clock;
use crate::domain::error::Result;
use crate::store::Store;

#[derive(Template)]
#[template(path = "requests/list.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) notes: Vec<String>,
    pub(crate) form: FilterForm,
    pub(crate) lines: Vec<RequestLine>,
    pub(crate) pager: Pager,
    /// The query behind `/requests.csv`.
    pub(crate) query: String,
    /// Whether filters are in force that could be taken away.
    pub(crate) narrow: bool,
}

/// The page.
///
/// # Errors
/// The database cannot be read.
pub async fn list(
    visitor: Visitor<may::Read>,
    request: HttpRequest,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
) -> Result<HttpResponse> {
    let data = store.organization(&visitor.tenant);
    let mut query = Query::parse(request.query_string());
    let filters = Filters::read(&mut query, data.organization_id(), clock.now());
    let turn = turn(&mut query, &data, LIST);
    let sheet = data.request_sheet(&filters.rows(), turn, ROWS).await?;
    page(&Page {
        frame: Frame::of(&visitor, "Requests", Lit::Requests),
        notes: query.notes(),
        form: FilterForm::of(&filters, &visitor.organization),
        lines: sheet.items.iter().map(RequestLine::from).collect(),
        pager: pager(&sheet, &query, &data, LIST, "/requests", ("request", "requests")),
        query: query.with(&[("newer", None), ("older", None)]),
        narrow: filters.is_narrow(),
    })
}
