//! `GET /requests`: all requests, newest first.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::LIST;
use super::filter::{FilterForm, Filters};
use super::line::RequestLine;
use crate::auth::console::console_user::{ConsoleUser, may};
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::pagination::{Pagination, ROWS, direction, pagination};
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
    pub(crate) pagination: Pagination,
    /// Query string for `/requests.csv`.
    pub(crate) query: String,
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
    let rows_page = data.request_page(&filters.rows(), direction, ROWS).await?;
    page(&Page {
        frame: Frame::of(&console_user, "Requests", NavigationItem::Requests),
        notes: query.notes(),
        form: FilterForm::of(&filters, &console_user.organization),
        lines: RequestLine::list(&rows_page.items),
        pagination: pagination(&rows_page, &query, &data, LIST, "/requests", ("request", "requests")),
        query: query.with(&[("newer", None), ("older", None)]),
        narrow: filters.is_narrow(),
    })
}
