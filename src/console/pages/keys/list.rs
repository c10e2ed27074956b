//! `GET /keys`: the keys with which apps call.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::LIST;
use super::line::KeyLine;
use crate::auth::console::console_user::{Visitor, may};
use crate::console::components::layout::{Frame, Lit};
use crate::console::components::pager::Pager;
use crate::console::components::pagination::{ROWS, pager, turn};
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
    pub(crate) pager: Pager,
    pub(crate) may_manage: bool,
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
    let turn = turn(&mut query, &data, LIST);
    let sheet = data.api_key_sheet(turn, ROWS).await?;
    let (uses, now) = (visitor.organization.last_uses(), clock.now());
    page(&Page {
        frame: Frame::of(&visitor, "API keys", Lit::Keys),
        notes: query.notes(),
        lines: sheet.items.iter().map(|row| KeyLine::of(row, uses.get(&row.id).copied(), now)).collect(),
        pager: pager(&sheet, &query, &data, LIST, "/keys", ("key", "keys")),
        may_manage: visitor.may(Permission::ManageKeys),
    })
}
