//! `GET /keys`: the API keys.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::LIST;
use super::line::KeyLine;
use crate::auth::console::console_user::{ConsoleUser, may};
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::pagination::{Pagination, ROWS, direction, pagination};
use crate::console::http::query::Query;
use crate::console::http::responses::page;
use crate::domain::clock::Clock;
use crate::domain::error::Result;
use crate::domain::permission::Permission;
use crate::store::Store;

#[derive(Template)]
#[template(path = "keys/list.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) notes: Vec<String>,
    pub(crate) lines: Vec<KeyLine>,
    pub(crate) pagination: Pagination,
    pub(crate) may_manage: bool,
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
    let direction = direction(&mut query, &data, LIST);
    let rows_page = data.api_key_page(direction, ROWS).await?;
    let (uses, now) = (console_user.organization.last_uses(), clock.now());
    page(&Page {
        frame: Frame::of(&console_user, "API keys", NavigationItem::Keys),
        notes: query.notes(),
        lines: rows_page.items.iter().map(|row| KeyLine::of(row, uses.get(&row.id).copied(), now)).collect(),
        pagination: pagination(&rows_page, &query, &data, LIST, "/keys", ("key", "keys")),
        may_manage: console_user.may(Permission::ManageKeys),
    })
}
