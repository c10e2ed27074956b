//! `GET /keys`: the keys with which apps call.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::LIST;
use super::line::KeyLine;
use crate::auth::permission::Permission;
use crate::auth::visitor::{Visitor, may};
use crate::clock::Clock;
use crate::error::Result;
use crate::store::Store;
use crate::web::layout::{Frame, Lit};
use crate::web::pager::Pager;
use crate::web::query::Query;
use crate::web::response::page;
use crate::web::turning::{ROWS, pager, turn};

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
