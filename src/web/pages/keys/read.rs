//! `GET /keys/{id}`: one key, without what would let one call with it.

use actix_web::{HttpResponse, web};
use askama::Template;
use entity::ids::ApiKeyId;

use super::WHAT;
use super::line::KeyLine;
use crate::auth::permission::Permission;
use crate::auth::visitor::{Visitor, may};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::store::{ApiKeyRow, OrgStore, Store};
use crate::web::layout::{Frame, Lit};
use crate::web::path;
use crate::web::response::page;

#[derive(Template)]
#[template(path = "keys/read.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) line: KeyLine,
    pub(crate) may_manage: bool,
}

/// The key of the path.
pub(super) async fn find(data: &OrgStore, id: &str) -> Result<ApiKeyRow> {
    let id: ApiKeyId = path::id(WHAT, id)?;
    data.api_key_find(id).await?.ok_or_else(|| Error::absent(WHAT, id))
}

/// The page.
///
/// # Errors
/// The organization has no key of that id.
pub async fn read(
    visitor: Visitor<may::Read>,
    path: web::Path<String>,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
) -> Result<HttpResponse> {
    let row = find(&store.organization(&visitor.tenant), &path).await?;
    let used = visitor.organization.last_uses().get(&row.id).copied();
    page(&Page {
        frame: Frame::of(&visitor, &row.name, Lit::Keys),
        line: KeyLine::of(&row, used, clock.now()),
        may_manage: visitor.may(Permission::ManageKeys),
    })
}
