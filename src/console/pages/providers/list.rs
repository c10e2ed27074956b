//! `GET /providers`: the providers.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::LIST;
use super::line::ProviderLine;
use crate::auth::console::console_user::{ConsoleUser, may};
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::pagination::{Pagination, ROWS, direction, pagination};
use crate::console::http::query::Query;
use crate::console::http::responses::page;
use crate::domain::error::Result;
use crate::domain::permission::Permission;
use crate::store::Store;

#[derive(Template)]
#[template(path = "providers/list.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) notes: Vec<String>,
    pub(crate) lines: Vec<ProviderLine>,
    pub(crate) pagination: Pagination,
    pub(crate) may_configure: bool,
}

/// Renders the page.
///
/// # Errors
/// The database cannot be read.
pub async fn list(
    console_user: ConsoleUser<may::Read>,
    request: HttpRequest,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let data = store.organization(&console_user.tenant);
    let mut query = Query::parse(request.query_string());
    let direction = direction(&mut query, &data, LIST);
    let rows_page = data.provider_page(direction, ROWS).await?;
    page(&Page {
        frame: Frame::of(&console_user, "Providers", NavigationItem::Providers),
        notes: query.notes(),
        lines: rows_page.items.iter().map(|row| ProviderLine::of(row, &console_user.organization)).collect(),
        pagination: pagination(&rows_page, &query, &data, LIST, "/providers", ("provider", "providers")),
        may_configure: console_user.may(Permission::Configure),
    })
}
