//! `GET /providers`: where models are served.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::LIST;
use super::line::ProviderLine;
use crate::auth::permission::Permission;
use crate::auth::visitor::{Visitor, may};
use crate::error::Result;
use crate::store::Store;
use crate::web::layout::{Frame, Lit};
use crate::web::pager::Pager;
use crate::web::query::Query;
use crate::web::response::page;
use crate::web::turning::{ROWS, pager, turn};

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
