//! `GET /providers`: where models are served.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::LIST;
use super::line::ProviderLine;
use crate::auth::console::console_user::{Visitor, may};
use crate::console::components::layout::{Frame, Lit};
use crate::console::components::pager::Pager;
use crate::console::components::pagination::{ROWS, pager, turn};
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
    pub(crate) pager: Pager,
    pub(crate) may_configure: bool,
}

/// The page.
///
/// # Errors
/// The database cannot be read.
pub async fn list(
    visitor: Visitor<may::Read>,
    request: HttpRequest,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let data = store.organization(&visitor.tenant);
    let mut query = Query::parse(request.query_string());
    let turn = turn(&mut query, &data, LIST);
    let sheet = data.provider_sheet(turn, ROWS).await?;
    page(&Page {
        frame: Frame::of(&visitor, "Providers", Lit::Providers),
        notes: query.notes(),
        lines: sheet.items.iter().map(|row| ProviderLine::of(row, &visitor.organization)).collect(),
        pager: pager(&sheet, &query, &data, LIST, "/providers", ("provider", "providers")),
        may_configure: visitor.may(Permission::Configure),
    })
}
